-- AlterTable
ALTER TABLE "Destination" ADD COLUMN     "failingSince" TIMESTAMP(3),
ADD COLUMN     "placed" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "statusAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- CreateTable
CREATE TABLE "Pace" (
    "destinationId" TEXT NOT NULL,
    "nextAt" TIMESTAMP(3) NOT NULL,
    "taken" INTEGER NOT NULL DEFAULT 1,
    "used" INTEGER NOT NULL DEFAULT 0,
    "usedAt" TIMESTAMP(3),

    CONSTRAINT "Pace_pkey" PRIMARY KEY ("destinationId")
);

-- CreateTable
CREATE TABLE "RolledDay" (
    "day" DATE NOT NULL,
    "executions" INTEGER NOT NULL,
    "archived" BOOLEAN NOT NULL,
    "doneAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "RolledDay_pkey" PRIMARY KEY ("day")
);

-- CreateTable
CREATE TABLE "DailyTotal" (
    "destinationId" TEXT NOT NULL,
    "day" DATE NOT NULL,
    "tenantId" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "total" INTEGER NOT NULL,
    "succeeded" INTEGER NOT NULL,
    "failed" INTEGER NOT NULL,
    "attempts" INTEGER NOT NULL,
    "lastAttemptAt" TIMESTAMP(3),

    CONSTRAINT "DailyTotal_pkey" PRIMARY KEY ("destinationId","day")
);

-- CreateIndex
CREATE INDEX "DailyTotal_tenantId_environment_day_idx" ON "DailyTotal"("tenantId", "environment", "day");

-- CreateIndex
CREATE INDEX "Destination_tenantId_environment_placed_idx" ON "Destination"("tenantId", "environment", "placed");

-- AddForeignKey
ALTER TABLE "Pace" ADD CONSTRAINT "Pace_destinationId_fkey" FOREIGN KEY ("destinationId") REFERENCES "Destination"("id") ON DELETE CASCADE ON UPDATE CASCADE;
