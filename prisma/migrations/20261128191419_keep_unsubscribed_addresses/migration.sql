-- CreateTable
CREATE TABLE "UnsubscribedAddress" (
    "tenantId" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "UnsubscribedAddress_pkey" PRIMARY KEY ("tenantId","environment","address")
);

-- CreateIndex
CREATE INDEX "AuditEntry_session_idx" ON "AuditEntry"("session");

-- AddForeignKey
ALTER TABLE "UnsubscribedAddress" ADD CONSTRAINT "UnsubscribedAddress_tenantId_fkey" FOREIGN KEY ("tenantId") REFERENCES "Tenant"("id") ON DELETE CASCADE ON UPDATE CASCADE;
