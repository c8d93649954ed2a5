import fc, { type Arbitrary } from 'fast-check'
import { catalogueTypes } from '../../../src/domain/catalogue/index.ts'
import type { Json } from '../../../src/domain/event.ts'
import type { FieldValues, JsonSchema } from './schema-arbitrary.ts'

/** What fields can name that there is, and where messages may go to: never further than this machine. */
export interface FieldsOf {
  destinations: readonly string[]
  templates: readonly string[]
  /** URLs of receivers, and of ports where nobody listens. */
  urls: readonly string[]
  smtpUrls: readonly string[]
}

const durations = fc.constantFrom('0s', '1s', '90s', '5m', '1h', '7d')
const eventTypes = fc.constantFrom('fuzz.made', 'aml.match.found', 'test', ...catalogueTypes.slice(0, 5))
const paths = fc.constantFrom('type', 'data.name', 'data.a.b')

const filters: Arbitrary<Json> = fc.constantFrom<Json>(
  {},
  { 'data.risk': 'high' },
  { type: { $in: ['fuzz.made', 'other'] } },
  { 'data.score': { $gte: 5, $lt: 10 } },
  { $or: [{ 'data.name': { $regex: '^(a|b)+$', $options: 'i' } }, { 'data.tags': { $size: 2 } }] },
  { $nor: [{ 'data.list': { $elemMatch: { a: { $exists: true } } } }] },
  { 'data.a': { $not: { $type: 'string' } }, $and: [{ id: { $ne: 'x' } }] },
)

const jsonSchemas: Arbitrary<Json> = fc.constantFrom<Json>(
  {},
  { type: 'object', required: ['name'], properties: { name: { type: 'string', pattern: '^(a+)+$' } } },
  { $defs: { a: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' },
  { type: 'nothing' },
  { $ref: 'https://127.0.0.1/schema.json' },
  { $schema: 'http://json-schema.org/draft-07/schema#', items: [{}], additionalProperties: false },
  { allOf: [{ not: {} }], if: {}, then: { format: 'email' }, unevaluatedProperties: false },
)

const liquid = fc.constantFrom(
  'Plain',
  '{{ data.name | escape }}',
  '{% for x in (1..100000) %}{{ x }}{% endfor %}',
  '{{ data | json }}',
  '{% include "x" %}',
  '{"blocks": {{ data.list | json }}}',
  '[{"type":"section","text":{"type":"mrkdwn","text":"{{ type }}"}}]',
)

/** Values of fields whose schemas say less than what is taken. Without those, hardly a request would come as far as its handler. */
export function fieldValues(known: FieldsOf): FieldValues {
  const ids = fc.constantFrom(...known.destinations, 'dst_00000000000000000000000000')
  const urls = fc.constantFrom(...known.urls)
  const byName: Record<string, Arbitrary<Json>> = {
    url: urls,
    webhook_url: urls,
    webhookUrl: urls,
    slack_webhook_url: urls,
    smtpUrl: fc.constantFrom(...known.smtpUrls),
    destination: ids,
    failing: ids,
    template: fc.constantFrom(...known.templates, 'tpl_none'),
    filter: filters,
    filters,
    unless: filters,
    schema: jsonSchemas,
    timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/Sao_Paulo'),
    overlap: durations,
    ttl: durations,
    within: durations,
    per: durations,
    window: durations,
    schedule: fc.array(durations, { minLength: 1, maxLength: 3 }),
    by: paths,
    event_type: eventTypes,
    eventType: eventTypes,
    eventTypes: fc.array(eventTypes, { minLength: 1, maxLength: 3 }),
    events: fc.array(fc.constantFrom('fuzz.made', 'aml.*', 'all'), { minLength: 1, maxLength: 2 }),
    subject: liquid,
    text: liquid,
    html: liquid,
    body: liquid,
    blocks: liquid,
    card: liquid,
    slack: fc.record({ text: liquid, blocks: liquid }, { requiredKeys: [] }),
  }
  return (name, schema) => {
    if (namesDestinations(name, schema)) return fc.array(ids, { minLength: 1, maxLength: 3 })
    return name in byName && isOpen(schema) ? byName[name] : undefined
  }
}

function namesDestinations(name: string, { items }: JsonSchema): boolean {
  return (name === 'to' || name === 'destinations') && items?.type === 'string' && items.format === undefined
}

/** Whether the schema says hardly more than that it is a text, an object or a list. */
function isOpen({ type, format, enum: values, items }: JsonSchema): boolean {
  return format === undefined && values === undefined && items?.type !== 'object' && type !== 'integer'
}
