import { isJsonObject, type Json, type JsonObject } from '../../domain/event.ts'
import { nestingFields } from '../../domain/rules/rule.ts'

/** Changes one `deliver`; `path` is dotted, as in `steps.0.deliver`. */
export type DeliverChange = (deliver: JsonObject, path: string) => JsonObject

/**
 * Changes every step that delivers, nested ones included. The input has not been validated yet: anything that is not a step is left
 * as it is, for the schema to refuse. The caller must have limited the nesting depth.
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
  const lists = nestingFields(kind)
  return mapValues(own, (value, name) =>
    lists.includes(name) ? mapDelivers(value, `${path}.${name}`, change) : value,
  )
}

function mapValues(object: JsonObject, change: (value: Json, key: string) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]))
}
