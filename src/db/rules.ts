import { typeid } from 'typeid-js'
import type { JsonObject } from '../domain/event.ts'
import type { Rule, RuleDefinition } from '../domain/rules/rule.ts'
import type { Db, Tx } from './client.ts'
import type { Scope } from './destinations/destinations.ts'
import type { Rule as Row } from './generated/client.ts'
import { pruneVersions } from './versions.ts'

/** A rule with its metadata. */
export interface StoredRule extends Rule {
  position: number
  enabled: boolean
  createdAt: Date
  updatedAt: Date
}

/** The enabled rules, in the order in which events are routed by them. */
export async function enabledRules(db: Db, { tenantId, environment }: Scope): Promise<Rule[]> {
  // In SQL with few columns, because it runs for every event.
  const rows = await db.$queryRaw<Pick<Row, 'id' | 'version' | 'name' | 'definition'>[]>`
    SELECT "id", "version", "name", "definition" FROM "Rule"
    WHERE "tenantId" = ${tenantId} AND "environment" = ${environment} AND "enabled"
    ORDER BY "position", "id"`
  return rows.map((row) => ({ id: row.id, version: row.version, definition: toDefinition(row) }))
}

export async function listRules(db: Tx, scope: Scope): Promise<StoredRule[]> {
  const rows = await db.rule.findMany({ where: scope, orderBy: [{ position: 'asc' }, { id: 'asc' }] })
  return rows.map(openRule)
}

export async function findRule(db: Tx, scope: Scope, id: string): Promise<StoredRule | undefined> {
  const row = await db.rule.findFirst({ where: { ...scope, id } })
  return row ? openRule(row) : undefined
}

/** Must run in the tenant's turn (`inTenantTurn`). `position` is at most the number of rules plus one. */
export async function insertRule(
  tx: Tx,
  scope: Scope,
  keyId: string,
  { definition, ...placed }: Pick<StoredRule, 'definition' | 'enabled' | 'position'>,
): Promise<StoredRule> {
  await shift(tx, scope, placed.position, 1)
  const id = typeid('rul').toString()
  const row = await tx.rule.create({ data: { id, ...scope, ...placed, ...columns(definition) } })
  await keepVersion(tx, scope, keyId, { id, version: row.version, definition })
  return openRule(row)
}

/** Must run in the tenant's turn. Creates a version if a definition is given. */
export async function updateRule(
  tx: Tx,
  scope: Scope,
  keyId: string,
  { id, version, position }: StoredRule,
  change: { enabled: boolean; position: number; definition: RuleDefinition | undefined },
): Promise<StoredRule> {
  const { definition, ...placed } = change
  if (placed.position !== position) {
    await shift(tx, scope, position + 1, -1)
    await shift(tx, scope, placed.position, 1)
  }
  const next = definition && { ...columns(definition), version: version + 1 }
  const row = await tx.rule.update({ where: { id }, data: { ...placed, ...next } })
  if (definition) await keepVersion(tx, scope, keyId, { id, version: row.version, definition })
  return openRule(row)
}

/** Must run in the tenant's turn. The rule's versions are kept, within `versionLimits`. */
export async function removeRule(tx: Tx, scope: Scope, { id, position }: StoredRule): Promise<void> {
  await tx.rule.delete({ where: { id } })
  await tx.rulePass.deleteMany({ where: { ruleId: id } })
  await shift(tx, scope, position + 1, -1)
}

/** Shifts the rules from a position on. In SQL, because their `updatedAt` must not change. */
async function shift(tx: Tx, { tenantId, environment }: Scope, from: number, by: 1 | -1): Promise<void> {
  await tx.$executeRaw`
    UPDATE "Rule" SET "position" = "position" + ${by}::int
    WHERE "tenantId" = ${tenantId} AND "environment" = ${environment} AND "position" >= ${from}`
}

async function keepVersion(tx: Tx, scope: Scope, keyId: string, { id, version, definition }: Rule) {
  await tx.ruleVersion.create({ data: { ruleId: id, version, ...scope, keyId, ...columns(definition) } })
  await pruneVersions(tx, 'rules', scope)
}

/** A definition that a rule has, or had. */
export interface RuleVersion {
  version: number
  definition: RuleDefinition
  keyId: string
  createdAt: Date
}

/** Newest first, including versions of deleted rules. `before` is a version. */
export async function listVersions(
  db: Db,
  scope: Scope,
  ruleId: string,
  { before, take }: { before: number | undefined; take: number },
): Promise<RuleVersion[]> {
  const rows = await db.ruleVersion.findMany({
    where: { ...scope, ruleId, ...(before !== undefined && { version: { lt: before } }) },
    orderBy: { version: 'desc' },
    take,
  })
  return rows.map((row) => ({
    version: row.version,
    definition: toDefinition(row),
    keyId: row.keyId,
    createdAt: row.createdAt,
  }))
}

function openRule(row: Row): StoredRule {
  const { id, version, position, enabled, createdAt, updatedAt } = row
  return { id, version, position, enabled, createdAt, updatedAt, definition: toDefinition(row) }
}

/** A definition as it will be read back: without undefined values. */
export function plainDefinition(definition: RuleDefinition): RuleDefinition {
  return JSON.parse(JSON.stringify(definition)) as RuleDefinition
}

/** The name is a column of its own; the rest of a definition is one JSON. */
function columns(definition: RuleDefinition) {
  const { name, ...rest } = plainDefinition(definition)
  return { name, definition: rest as unknown as JsonObject }
}

/** Skips the schema, which the definition passed when it was written, because this runs for every event. */
function toDefinition({ name, definition }: Pick<Row, 'name' | 'definition'>): RuleDefinition {
  return { name, ...(definition as unknown as Omit<RuleDefinition, 'name'>) }
}
