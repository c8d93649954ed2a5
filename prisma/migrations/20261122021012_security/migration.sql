-- AlterTable
ALTER TABLE "Tenant" ADD COLUMN     "deletingAt" TIMESTAMP(3),
ADD COLUMN     "emailConsent" TEXT NOT NULL DEFAULT 'confirm',
ADD COLUMN     "redact" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "ApiKey" ADD COLUMN     "lastUsedAt" TIMESTAMP(3),
ADD COLUMN     "replacedBy" TEXT;

-- AlterTable
ALTER TABLE "AuditEntry" ADD COLUMN     "after" JSONB,
ADD COLUMN     "before" JSONB,
ADD COLUMN     "chain" TEXT,
ADD COLUMN     "hash" TEXT,
ADD COLUMN     "previousHash" TEXT,
ADD COLUMN     "sequence" INTEGER,
ADD COLUMN     "session" TEXT,
ALTER COLUMN "tenantId" DROP NOT NULL;

-- CreateTable
CREATE TABLE "EmailRecipient" (
    "destinationId" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "statusAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "EmailRecipient_pkey" PRIMARY KEY ("destinationId","address")
);

-- CreateTable
CREATE TABLE "RateLimiterFlexible" (
    "key" TEXT NOT NULL,
    "points" INTEGER NOT NULL,
    "expire" TIMESTAMP(3),

    CONSTRAINT "RateLimiterFlexible_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE UNIQUE INDEX "AuditEntry_chain_sequence_key" ON "AuditEntry"("chain", "sequence");

-- AddForeignKey
ALTER TABLE "EmailRecipient" ADD CONSTRAINT "EmailRecipient_destinationId_fkey" FOREIGN KEY ("destinationId") REFERENCES "Destination"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Recipients from before there was consent go on getting their mail: an upgrade must not silence an alert.
INSERT INTO "EmailRecipient" ("destinationId", "address", "status")
SELECT DISTINCT "id", lower(jsonb_array_elements_text("config"->'to')), 'vouched' FROM "Destination"
WHERE "channel" = 'email' AND jsonb_typeof("config"->'to') = 'array';
