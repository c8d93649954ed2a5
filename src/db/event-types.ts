import { findEntry } from '../domain/catalogue/index.ts'
import type { JsonObject } from '../domain/event.ts'
import type { Db } from './client.ts'
import type { Scope } from './destinations.ts'

/** The schema that events of this type must fit, under any of the type's names; none if nothing is enforced. */
export async function enforcedSchema(
  db: Db,
  { tenantId, environment }: Scope,
  type: string,
): Promise<JsonObject | undefined> {
  const entry = findEntry(type)
  const names = entry ? [...new Set([type, entry.type, ...(entry.aliases ?? [])])] : [type]
  const rows = await db.eventType.findMany({
    where: { tenantId, environment, type: { in: names }, enforce: true },
    select: { type: true, schema: true },
  })
  const row = rows.find((one) => one.type === type) ?? rows[0]
  return (row?.schema as JsonObject | null | undefined) ?? undefined
}
