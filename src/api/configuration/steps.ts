import { isJsonObject, type Json, type JsonObject } from '../../domain/event.ts'

/** Changes one `deliver`; `path` is dotted, as in `steps.0.deliver`. */
export type DeliverChange = (deliver: JsonObject, path: string) => JsonObject

/** The lists of steps inside of a step, by its kind. */
const nestedLists: Record<string, readonly string[]> = {
  deliver: ['onFailure'],
  awaitAck: ['otherwise'],
  branch: ['steps', 'else'],
}

/**
 * Every step that delivers, changed, nested ones included. It takes what has not passed a schema yet: what is no step stays as it
 * is, for the schema to refuse. Whoever calls it has bounded how deep it is nested.
 */
export function mapDelivers(steps: Json, path: string, change: DeliverChange): Json {
  if (!Array.isArray(steps)) return steps
  return steps.map((step, index) => {
    if (!isJsonObject(step)) return step
    return mapValues(step, (settings, kind) => mapStep(kind, settings, `${path}.${index}.${kind}`, change))
  })
}

function mapStep(kind: string, settings: Json, path: string, change: DeliverChange): Json {
  if (!isJsonObject(settings)) return settings
  const own = kind === 'deliver' ? change(settings, path) : settings
  const lists = Object.hasOwn(nestedLists, kind) ? (nestedLists[kind] ?? []) : []
  return mapValues(own, (value, name) =>
    lists.includes(name) ? mapDelivers(value, `${path}.${name}`, change) : value,
  )
}

function mapValues(object: JsonObject, change: (value: Json, key: string) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]))
}
