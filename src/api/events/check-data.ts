import type { Compute } from '../../compute/compute.ts'
import { packData } from '../../compute/payload.ts'
import type { Db } from '../../db/client.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import { enforcedSchema } from '../../db/event-types.ts'
import type { JsonObject } from '../../domain/event.ts'
import type { FieldError } from '../errors.ts'
import { withinBudget } from '../http/over-budget.ts'

/** Returns the errors of an event's data against the schema that is currently enforced for its type; empty if none is enforced. */
export async function checkEventData(
  { db, compute }: { db: Db; compute: Compute },
  scope: Scope,
  type: string,
  data: JsonObject,
  at = 'data',
): Promise<FieldError[]> {
  const schema = await enforcedSchema(db, scope, type)
  if (!schema) return []
  return withinBudget(compute.run(scope.tenantId, 'checkData', { schema, dataText: packData(data), at }), at)
}
