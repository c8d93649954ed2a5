import { z } from 'zod'
import { isJsonObject, type JsonObject } from '../../domain/event.ts'
import { eventTypeGlob } from '../../domain/routing/event-types.ts'
import { withDecimals } from '../../domain/filters/decimals.ts'
import { filterProblems, type FilterProblem } from '../../domain/filters/filters.ts'
import { jsonObject } from './text.ts'

/** JSON for a filter: numbers that JavaScript cannot keep are kept as MongoDB's Extended JSON writes them. */
export const filterObject = jsonObject.overwrite((value) => withDecimals(value) as JsonObject)

/** A MongoDB-style filter over `{id, type, data}` (docs/reference/filters.md); what is wrong with it is named with its path. */
export const filter = filterObject.superRefine((value: JsonObject, context) => {
  for (const { path, message } of [...filterProblems(value), ...fieldProblems(value)])
    context.addIssue({ code: 'custom', path, message })
})

/** What a filter sees of an event. A name that is none of these is a mistake: it would be absent from every event. */
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

/** What a subscription or a rule may name: an event type, a glob of types, `all`. */
export const eventTypeGlobText = z
  .string()
  .max(128)
  .regex(eventTypeGlob, 'must be an event type such as aml.match.found, a pattern such as aml.*, or all')
