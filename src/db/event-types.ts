import type { JsonObject } from '../domain/event.ts'
import { eventTypeNames } from '../domain/routing/event-types.ts'
import type { Db } from './client.ts'
import type { Scope } from './destinations/destinations.ts'

/** The schema that events of this type must match, under any of its names; none if no schema is enforced. */
export async function enforcedSchema(
  db: Db,
  { tenantId, environment }: Scope,
  type: string,
): Promise<JsonObject | undefined> {
  const names = eventTypeNames(type)
  // In SQL with few columns, because it runs for every event.
  const rows = await db.$queryRaw<{ type: string; schema: JsonObject | null }[]>`
    SELECT "type", "schema" FROM "EventType"
    WHERE "tenantId" = ${tenantId} AND "environment" = ${environment} AND "type" = ANY(${names}) AND "enforce"`
  const row = rows.find((one) => one.type === type) ?? rows[0]
  return row?.schema ?? undefined
}
