-- CreateTable
CREATE TABLE "CallWindow" (
    "key" TEXT NOT NULL,
    "calls" INTEGER NOT NULL,
    "endsAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "CallWindow_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "IngestBucket" (
    "tenantId" TEXT NOT NULL,
    "paidAtMs" DOUBLE PRECISION NOT NULL,
    "promisedAtMs" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "IngestBucket_pkey" PRIMARY KEY ("tenantId")
);

-- AddForeignKey
ALTER TABLE "IngestBucket" ADD CONSTRAINT "IngestBucket_tenantId_fkey" FOREIGN KEY ("tenantId") REFERENCES "Tenant"("id") ON DELETE CASCADE ON UPDATE CASCADE;
