-- AlterTable
ALTER TABLE "Tenant" ADD COLUMN     "lastTestLog" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "Destination" ADD COLUMN     "contract" TEXT,
ADD COLUMN     "contractFields" JSONB;

-- CreateTable
CREATE TABLE "ApiSecret" (
    "id" TEXT NOT NULL,
    "tenantId" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "sealed" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMP(3),

    CONSTRAINT "ApiSecret_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "AuditEntry" (
    "id" TEXT NOT NULL,
    "at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "tenantId" TEXT NOT NULL,
    "environment" TEXT,
    "keyId" TEXT NOT NULL,
    "address" TEXT,
    "action" TEXT NOT NULL,
    "subject" TEXT,

    CONSTRAINT "AuditEntry_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "ApiSecret_tenantId_environment_idx" ON "ApiSecret"("tenantId", "environment");

-- CreateIndex
CREATE INDEX "AuditEntry_tenantId_id_idx" ON "AuditEntry"("tenantId", "id");

-- AddForeignKey
ALTER TABLE "ApiSecret" ADD CONSTRAINT "ApiSecret_tenantId_fkey" FOREIGN KEY ("tenantId") REFERENCES "Tenant"("id") ON DELETE CASCADE ON UPDATE CASCADE;
