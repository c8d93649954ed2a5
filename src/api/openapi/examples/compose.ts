import type { JsonSchema } from '../schemas.ts'
import { schemaExamples } from './index.ts'
import { exampleIds, exampleType } from './things.ts'

const components = '#/components/schemas/'

/** Returns the example of a schema. Schemas without an example of their own get one from the schemas that they consist of. */
export function exampleOf(schema: JsonSchema, named: Record<string, JsonSchema>): unknown {
  const {
    $ref,
    properties,
    required = [],
    items,
  } = schema as {
    $ref?: string
    properties?: Record<string, JsonSchema>
    required?: string[]
    items?: JsonSchema
  }
  if ($ref !== undefined) {
    const name = $ref.replace(components, '')
    return schemaExamples[name] ?? exampleOf(named[name] ?? {}, named)
  }
  if (items) return [exampleOf(items, named)]
  if ([schema.type].flat().includes('null')) return null
  if (schema.type === 'boolean') return false
  if (!properties) throw new Error(`src/api/openapi/examples has no example of ${JSON.stringify(schema)}.`)
  return Object.fromEntries(required.map((name) => [name, exampleOf(properties[name] ?? {}, named)]))
}

/** Examples of the ids in paths, by the segment before them. */
const idsByResource: Partial<Record<string, string>> = {
  tenants: exampleIds.tenant,
  'tenant-deletions': exampleIds.deletion,
  keys: exampleIds.key,
  'platform-keys': exampleIds.key,
  destinations: exampleIds.destination,
  events: exampleIds.event,
  erasures: exampleIds.erasure,
  replays: exampleIds.replay,
  rules: exampleIds.rule,
  templates: exampleIds.template,
  'event-types': exampleType,
  webhooks: exampleIds.webhook,
  logs: '12',
}

/** `path` is a route's path in Express's form. */
export function exampleOfParameter(path: string, parameter: string): string {
  const segments = path.split('/')
  const example = idsByResource[segments[segments.indexOf(`:${parameter}`) - 1] ?? '']
  if (example === undefined)
    throw new Error(`src/api/openapi/examples has no example of ${parameter} in ${path}.`)
  return example
}
