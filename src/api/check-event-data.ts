import type { Db } from '../db/client.ts'
import type { Scope } from '../db/destinations.ts'
import { enforcedSchema } from '../db/event-types.ts'
import type { JsonObject } from '../domain/event.ts'
import type { FieldError } from './errors.ts'
import { dataProblems } from './event-schema.ts'

/** How an event's data does not fit the schema that is enforced for its type now; empty where none is. */
export async function checkEventData(
  db: Db,
  scope: Scope,
  type: string,
  data: JsonObject,
  at = 'data',
): Promise<FieldError[]> {
  const schema = await enforcedSchema(db, scope, type)
  return schema ? dataProblems(schema, data, at) : []
}
