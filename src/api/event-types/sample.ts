import type { Db } from '../../db/client.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import { findEntry } from '../../domain/catalogue/index.ts'
import type { JsonObject } from '../../domain/event.ts'

/** Returns the sample payload of an event type: the one that the tenant registered, or else the one in a catalogue. */
export async function findSample(
  db: Db,
  { tenantId, environment }: Scope,
  type: string,
): Promise<JsonObject | undefined> {
  const own = await db.eventType.findUnique({
    where: { tenantId_environment_type: { tenantId, environment, type } },
  })
  return (own?.sample as JsonObject | null | undefined) ?? findEntry(type)?.sample
}
