import type { Environment } from '../domain/event.ts'
import type { TemplateDefault } from '../domain/templates.ts'
import type { Db, Tx } from './client.ts'
import type { Scope } from './destinations/destinations.ts'
import type { Template as Row } from './generated/client.ts'

/** Liquid by channel and field. */
export type TemplateParts = Record<string, Record<string, string>>

export interface Template {
  id: string
  environment: Environment
  name: string
  /** The event types that it is the default for. */
  eventTypes: string[]
  parts: TemplateParts
  /** Grows whenever the parts change. */
  version: number
  createdAt: Date
  updatedAt: Date
}

/** The templates that are the default for some event types, oldest first. Read for every event, so it leaves out the texts. */
export function templateDefaults(db: Db, { tenantId, environment }: Scope): Promise<TemplateDefault[]> {
  return db.$queryRaw<TemplateDefault[]>`
    SELECT "id", "eventTypes", ARRAY(SELECT jsonb_object_keys("parts")) AS "channels" FROM "Template"
    WHERE "tenantId" = ${tenantId} AND "environment" = ${environment} AND cardinality("eventTypes") > 0
    ORDER BY "createdAt", "id"`
}

/** The channels of each template by id. Deleted templates are left out. */
export async function templateChannels(
  db: Tx,
  { tenantId, environment }: Scope,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (ids.length === 0) return new Map()
  const rows = await db.$queryRaw<Pick<TemplateDefault, 'id' | 'channels'>[]>`
    SELECT "id", ARRAY(SELECT jsonb_object_keys("parts")) AS "channels" FROM "Template"
    WHERE "tenantId" = ${tenantId} AND "environment" = ${environment} AND "id" = ANY(${[...ids]})`
  return new Map(rows.map(({ id, channels }) => [id, channels]))
}

export async function findTemplate(db: Tx, scope: Scope, id: string): Promise<Template | undefined> {
  const { tenantId, environment } = scope
  const row = await db.template.findFirst({ where: { tenantId, environment, id } })
  return row ? openTemplate(row) : undefined
}

/** The only place that trusts stored templates to have been validated when they were written. */
export function openTemplate(row: Row): Template {
  const { id, environment, name, eventTypes, parts, version, createdAt, updatedAt } = row
  return {
    id,
    environment: environment as Environment,
    name,
    eventTypes,
    parts: parts as TemplateParts,
    version,
    createdAt,
    updatedAt,
  }
}
