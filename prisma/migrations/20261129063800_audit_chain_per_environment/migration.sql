-- Each environment of a tenant has an audit chain of its own, and entries about the tenant as a whole continue the tenant's chain.
-- Entries written before stay as they are, in the tenant's chain: rows are never changed, and their hashes cover the chain's name.
-- NOT VALID leaves them unchecked.
ALTER TABLE "AuditEntry" DROP CONSTRAINT "AuditEntry_chained";
ALTER TABLE "AuditEntry" ADD CONSTRAINT "AuditEntry_chained" CHECK (
  "chain" IS NOT NULL AND "sequence" >= 1 AND "hash" IS NOT NULL AND ("previousHash" IS NULL) = ("sequence" = 1)
  AND "chain" = coalesce("tenantId" || coalesce('/' || "environment", ''), 'platform')
) NOT VALID;
