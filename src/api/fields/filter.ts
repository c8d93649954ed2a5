import { z } from 'zod'
import { isJsonObject, type JsonObject } from '../../domain/event.ts'
import { eventTypeGlob } from '../../domain/routing/event-types.ts'
import { withDecimals } from '../../domain/filters/decimals.ts'
import { filterProblems, type FilterProblem } from '../../domain/filters/filters.ts'
import { jsonObject } from './text.ts'

/** JSON for a filter. Numbers that JavaScript cannot keep are written as in MongoDB's Extended JSON. */
export const filterObject = jsonObject.overwrite((value) => withDecimals(value) as JsonObject)

/** A MongoDB-style filter over `{id, type, data}` (docs/reference/filters.md). Each problem is reported with its path. */
export const filter = filterObject.superRefine((value: JsonObject, context) => {
  for (const { path, message } of [...filterProblems(value), ...fieldProblems(value)])
    context.addIssue({ code: 'custom', path, message })
})

/** The event fields that a filter can use. Any other name is a mistake, because it would be absent from every event. */
const eventField = /^(id|type|data)(\.|$)/

function fieldProblems(filter: JsonObject, path: string[] = []): FilterProblem[] {
  return Object.entries(filter).flatMap(([key, value]) => {
    const here = [...path, key]
    if (!key.startsWith('$'))
      return eventField.test(key)
        ? []
        : [
            {
              path: here,
              message:
                'is not a field of an event; filters can use id, type and paths into data such as data.riskLevel',
            },
          ]
    const inner = Array.isArray(value) ? value : [value]
    return inner.flatMap((nested, index) =>
      isJsonObject(nested)
        ? fieldProblems(nested, Array.isArray(value) ? [...here, String(index)] : here)
        : [],
    )
  })
}

/** An entry in the event types of a subscription or a rule: an event type, a glob, or `all`. */
export const eventTypeGlobText = z
  .string()
  .max(128)
  .regex(eventTypeGlob, 'must be an event type such as aml.match.found, a pattern such as aml.*, or all')
