import fc, { type Arbitrary } from 'fast-check'
import { z } from 'zod'
import type { Json, JsonObject } from '../../../src/domain/event.ts'
import { isJsonObject } from '../../../src/domain/event.ts'
import type { Route } from '../../../src/api/http/route.ts'
import { validValues, type FieldValues, type JsonSchema } from '../fuzz/schema-arbitrary.ts'

/** Fields that say where messages go: an id there would only be refused for what it looks like. */
const places = ['url', 'webhook_url', 'webhookUrl', 'slack_webhook_url', 'smtpUrl']

/** Bodies of a route in which every text that could be an id is one of these, wherever the schema lets a text stand. */
export function bodiesNaming(route: Route, ids: readonly string[], url: string, count: number): JsonObject[] {
  if (!route.body) return []
  const id = fc.constantFrom(...ids)
  const fields: FieldValues = (name, schema) => {
    if (places.includes(name)) return fc.constant(url)
    if (isOpenText(schema)) return id
    if (schema.items && isOpenText(schema.items)) return fc.array(id, { minLength: 1, maxLength: 2 })
    return name === 'timezone' ? fc.constant('UTC') : filterField(name, id)
  }
  return fc.sample(validValues(route.body, fields), { numRuns: count, seed: 1 }).filter(isJsonObject)
}

/** What is any object to the schema, and a filter to the handler. */
function filterField(name: string, id: Arbitrary<string>): Arbitrary<Json> | undefined {
  if (!['filter', 'filters', 'unless'].includes(name)) return undefined
  return id.map((one): Json => ({ $or: [{ id: one }, { 'data.name': one }] }))
}

/** Queries of a route with one of these ids in one of the parameters that are texts. */
export function queriesNaming(route: Route, ids: readonly string[]): Record<string, string>[] {
  if (!route.query) return []
  const { properties = {} } = z.toJSONSchema(route.query, {
    io: 'input',
    unrepresentable: 'any',
  }) as JsonSchema
  const names = Object.keys(properties).filter((name) => {
    const { type, enum: values, format } = properties[name] ?? {}
    return type === 'string' && values === undefined && format === undefined
  })
  return names.flatMap((name) => ids.map((id) => ({ [name]: id })))
}

function isOpenText({ type, format, enum: values, pattern, const: only }: JsonSchema): boolean {
  const isId = pattern === undefined || /^\^(dst_|\[A-Za-z0-9\])/.test(pattern)
  return type === 'string' && format === undefined && values === undefined && only === undefined && isId
}

/** One id of each kind. */
export function oneOfEach(ids: readonly string[]): string[] {
  const kinds = new Map(ids.map((id) => [/^[a-z]+_/.exec(id)?.[0] ?? 'uuid', id]))
  return [...kinds.values()]
}

/** Bodies that name a destination or a template, which must be the caller's. */
export const namingOthers: [name: string, bodyOf: (destination: string, template: string) => object][] = [
  ['POST /api/v1/events/:id/replay', (destination) => ({ destinations: [destination] })],
  ['POST /api/v1/events/:id/retry', (destination) => ({ destination })],
  [
    'POST /api/v1/replays',
    (destination) => ({ from: '2020-01-01T00:00:00Z', status: 'missed', destination }),
  ],
  ['POST /api/v1/rules', (destination) => ruleTo(destination)],
  ['POST /api/v1/rules', (_destination, template) => ruleTo('dst_none', template)],
  ['PATCH /api/v1/rules/:id', (destination) => ({ steps: ruleTo(destination).steps })],
  ['POST /api/v1/rules/preview', (destination) => ({ type: 'a.b', data: {}, rules: [ruleTo(destination)] })],
  ['POST /api/v1/configuration', (destination) => ({ switchyard: 1, rules: [ruleTo(destination)] })],
  ['POST /api/v1/configuration', (id) => ({ switchyard: 1, destinations: [{ id, ...mine }] })],
  ['POST /api/v1/configuration', (_id, id) => ({ switchyard: 1, templates: [{ id, ...message }] })],
]
const mine = {
  name: 'Mine now',
  channel: 'email',
  config: { to: ['b@example.com'] },
  subscription: { eventTypes: ['all'] },
}
const message = { name: 'Mine now', parts: { slack: { text: 'Mine' } } }

function ruleTo(destination: string, template?: string) {
  const deliver = { to: [destination], ...(template !== undefined && { template }) }
  return { name: 'To others', when: { events: ['a.b'] }, steps: [{ deliver }] }
}
