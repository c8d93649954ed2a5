import type { Json, JsonObject } from '../event.ts'

/**
 * Infers a JSON Schema from a sample: fields have the types that they have in it. Nothing is required and other fields are
 * allowed, because a contract's document shows a single payload. `null` says nothing about a field's type.
 */
export function inferSchema(sample: Json): JsonObject {
  if (sample === null) return {}
  if (Array.isArray(sample)) return { type: 'array', ...inferItems(sample) }
  if (typeof sample !== 'object') return { type: typeof sample }
  const properties = Object.entries(sample).map(([name, value]) => [name, inferSchema(value)] as const)
  return { type: 'object', properties: Object.fromEntries(properties) }
}

/** Items have a common schema only if they are alike. */
function inferItems(items: Json[]): JsonObject {
  const [first, ...others] = items.map(inferSchema)
  const alike = first && others.every((one) => JSON.stringify(one) === JSON.stringify(first))
  return alike ? { items: first } : {}
}
