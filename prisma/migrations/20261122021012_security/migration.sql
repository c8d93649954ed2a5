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
    "askedAt" TIMESTAMP(3),

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

-- The audit log is append-only, also for whoever owns the table: that one would have to take the triggers away first.
-- Whoever runs this file may cut it at every semicolon, so that those within the function are written as \x3B.
CREATE FUNCTION "refuse_audit_change"() RETURNS trigger LANGUAGE plpgsql AS E'
BEGIN
  RAISE EXCEPTION ''the audit log is append-only: % of "AuditEntry" is refused'', TG_OP USING ERRCODE = ''insufficient_privilege''\x3B
END';
CREATE TRIGGER "AuditEntry_keeps_rows" BEFORE UPDATE OR DELETE ON "AuditEntry"
  FOR EACH ROW EXECUTE FUNCTION "refuse_audit_change"();
CREATE TRIGGER "AuditEntry_keeps_all" BEFORE TRUNCATE ON "AuditEntry"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_audit_change"();
ALTER TABLE "AuditEntry" ENABLE ALWAYS TRIGGER "AuditEntry_keeps_rows", ENABLE ALWAYS TRIGGER "AuditEntry_keeps_all";

-- Every entry is in a chain from here on. Those from before are not, and stay: NOT VALID does not ask them.
ALTER TABLE "AuditEntry" ADD CONSTRAINT "AuditEntry_chained" CHECK (
  "chain" IS NOT NULL AND "sequence" >= 1 AND "hash" IS NOT NULL AND ("previousHash" IS NULL) = ("sequence" = 1)
  AND "chain" = coalesce("tenantId", 'platform')
) NOT VALID;

-- AddForeignKey
ALTER TABLE "EmailRecipient" ADD CONSTRAINT "EmailRecipient_destinationId_fkey" FOREIGN KEY ("destinationId") REFERENCES "Destination"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Recipients from before there was consent go on getting their mail: an upgrade must not silence an alert.
INSERT INTO "EmailRecipient" ("destinationId", "address", "status")
SELECT DISTINCT "id", lower(jsonb_array_elements_text("config"->'to')), 'vouched' FROM "Destination"
WHERE "channel" = 'email' AND jsonb_typeof("config"->'to') = 'array';

-- CreateTable
CREATE TABLE "Erasure" (
    "id" TEXT NOT NULL,
    "tenantId" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "eventId" TEXT NOT NULL,
    "reason" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completedAt" TIMESTAMP(3),
    "runs" INTEGER NOT NULL DEFAULT 0,
    "digests" INTEGER NOT NULL DEFAULT 0,
    "archivedLines" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "Erasure_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "TenantDeletion" (
    "id" TEXT NOT NULL,
    "tenantId" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completedAt" TIMESTAMP(3),
    "executions" INTEGER NOT NULL DEFAULT 0,
    "archivedFiles" INTEGER NOT NULL DEFAULT 0,
    "rows" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "TenantDeletion_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Erasure_tenantId_environment_eventId_idx" ON "Erasure"("tenantId", "environment", "eventId");

-- CreateIndex
CREATE UNIQUE INDEX "TenantDeletion_tenantId_key" ON "TenantDeletion"("tenantId");

-- AddForeignKey
ALTER TABLE "Erasure" ADD CONSTRAINT "Erasure_tenantId_fkey" FOREIGN KEY ("tenantId") REFERENCES "Tenant"("id") ON DELETE CASCADE ON UPDATE CASCADE;
