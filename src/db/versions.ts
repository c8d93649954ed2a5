import { Prisma } from './generated/client.ts'
import type { Tx } from './client.ts'
import type { Scope } from './destinations/destinations.ts'

/**
 * Limits on the past versions of an environment's rules and templates, the current version not counted. Past versions are not
 * used: an event in flight has its plan, and messages are made from the current template.
 */
export interface VersionLimits {
  /** Per rule or template. */
  ofOne: number
  inAll: number
  /** In all, as PostgreSQL stores them. */
  bytes: number
}

/** 100 of each, including the current one. */
const versionLimits: VersionLimits = { ofOne: 99, inAll: 5_000, bytes: 64 * 1024 * 1024 }

/** The tables, which differ in the names of two columns. */
const kinds = {
  rules:
    Prisma.raw(`SELECT v."ruleId" AS "of", v.*, pg_column_size(v."definition") AS "size", r."id" AS "current"
    FROM "RuleVersion" v LEFT JOIN "Rule" r ON r."id" = v."ruleId" AND r."version" = v."version"`),
  templates:
    Prisma.raw(`SELECT v."templateId" AS "of", v.*, pg_column_size(v."parts") AS "size", r."id" AS "current"
    FROM "TemplateVersion" v LEFT JOIN "Template" r ON r."id" = v."templateId" AND r."version" = v."version"`),
}

const keys = {
  rules: Prisma.raw('"RuleVersion" WHERE ("ruleId", "version")'),
  templates: Prisma.raw('"TemplateVersion" WHERE ("templateId", "version")'),
}

/** Deletes the oldest versions beyond the limits. Must run in the tenant's turn. */
export async function pruneVersions(
  tx: Tx,
  kind: keyof typeof kinds,
  { tenantId, environment }: Scope,
  { ofOne, inAll, bytes }: VersionLimits = versionLimits,
): Promise<void> {
  await tx.$executeRaw`
    WITH past AS (
      SELECT "of", "version",
        row_number() OVER (PARTITION BY "of" ORDER BY "version" DESC) AS "place",
        row_number() OVER newest AS "placeInAll",
        sum("size") OVER newest AS "bytes"
      FROM (${kinds[kind]}) versions
      WHERE "tenantId" = ${tenantId} AND "environment" = ${environment} AND "current" IS NULL
      WINDOW newest AS (ORDER BY "createdAt" DESC, "of", "version" DESC)
    )
    DELETE FROM ${keys[kind]} IN (
      SELECT "of", "version" FROM past
      WHERE "place" > ${ofOne}::int OR "placeInAll" > ${inAll}::int OR "bytes" > ${bytes}::bigint
    )`
}
