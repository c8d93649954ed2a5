import { definedOnly } from '../../domain/defined-only.ts'
import { catalogueTitle } from '../../domain/catalogue/titles.ts'
import { findEntry } from '../../domain/catalogue/index.ts'
import { eventTypeNames } from '../../domain/routing/event-types.ts'
import type { Db } from '../client.ts'
import type { Scope } from './destinations.ts'

export interface MessageNames {
  tenant?: string
  /** In Liquid: the one registered for the event's type, under any of its names, then the catalogue's. */
  titles: string[]
}

/** The names of the tenant and the event type, as messages show them. */
export async function findMessageNames(
  db: Db,
  { tenantId, environment }: Scope,
  type: string,
): Promise<MessageNames> {
  // In SQL with few columns, because it runs for every message that people read.
  const rows = await db.$queryRaw<{ name: string; type: string | null; title: string | null }[]>`
    SELECT t."name", e."type", e."title" FROM "Tenant" t
    LEFT JOIN "EventType" e ON e."tenantId" = t."id" AND e."environment" = ${environment}
      AND e."type" = ANY(${[...eventTypeNames(type)]}) AND e."title" IS NOT NULL
    WHERE t."id" = ${tenantId}`
  const own = rows.find((row) => row.type === type) ?? rows[0]
  const known = catalogueTitle(findEntry(type)?.type ?? type)
  return definedOnly({
    tenant: own?.name,
    titles: [...(own?.title ? [own.title] : []), ...(known === undefined ? [] : [known])],
  })
}

/** Names of the destinations that still exist, by id. */
export async function findDestinationNames(
  db: Db,
  { tenantId, environment }: Scope,
  ids: readonly string[],
): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const where = { tenantId, environment, id: { in: [...ids] } }
  const found = await db.destination.findMany({ where, select: { id: true, name: true } })
  return new Map(found.map(({ id, name }) => [id, name]))
}
