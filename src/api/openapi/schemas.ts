import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

type Io = 'input' | 'output'
export type JsonSchema = Record<string, unknown>
type Definitions = Record<string, JsonSchema>

/** Converts the schemas of requests and responses. Schemas with an `id` become named components. */
export interface SchemaConverter {
  convert: (schema: z.ZodType, io: Io) => JsonSchema
  components: Definitions
}

/**
 * A named schema can have two forms: a default makes a field optional in requests and present in responses. The form in requests
 * then has the suffix `Input`. Which schemas have two forms is only known once all of them have been read.
 */
export function createConverter(schemas: readonly (readonly [schema: z.ZodType, io: Io])[]): SchemaConverter {
  const found: Record<Io, Definitions> = { input: {}, output: {} }
  for (const [schema, io] of schemas) Object.assign(found[io], toJsonSchema(schema, io).definitions)
  const twoForms = idsWithTwoForms(found)
  const toName = (id: string, io: Io) => (io === 'input' && twoForms.has(id) ? `${id}Input` : id)
  const link = (schema: JsonSchema, io: Io) => mapReferences(schema, (id) => schemaReference(toName(id, io)))
  const named = (['output', 'input'] as const).flatMap((io) =>
    Object.entries(found[io]).map(([id, schema]) => [toName(id, io), link(schema, io)] as const),
  )
  return {
    convert: (schema, io) => link(toJsonSchema(schema, io).own, io),
    components: Object.fromEntries(named.toSorted(([one], [other]) => one.localeCompare(other))),
  }
}

export function schemaReference(name: string): string {
  return `#/components/schemas/${name}`
}

/** Returns the ids whose forms differ or refer to a schema whose forms differ. */
function idsWithTwoForms({ input, output }: Record<Io, Definitions>): Set<string> {
  const shared = Object.keys(input).filter((id) => id in output)
  const ids = new Set(shared.filter((id) => JSON.stringify(input[id]) !== JSON.stringify(output[id])))
  for (let before = 0; before !== ids.size;) {
    before = ids.size
    for (const id of shared) if (references(input[id]).some((referenced) => ids.has(referenced))) ids.add(id)
  }
  return ids
}

function toJsonSchema(schema: z.ZodType, io: Io): { own: JsonSchema; definitions: Definitions } {
  const { $schema: _, ...converted } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: simplify,
  })
  const { $defs = {}, ...own } = JSON.parse(JSON.stringify(converted), toPortable) as {
    $defs?: Definitions
  }
  return { own, definitions: $defs }
}

/** Replaces what generators do not support but `override` cannot see, because the parts of a schema are converted after it. */
function toPortable(key: string, value: unknown): unknown {
  // Not every language's regular expressions know Unicode's categories.
  if (key === 'pattern' && typeof value === 'string')
    return value.replaceAll('\\p{Cc}', '\\x00-\\x1F\\x7F-\\x9F')
  const { anyOf, pattern, format, ...rest } = (value ?? {}) as JsonSchema & { anyOf?: JsonSchema[] }
  // The format says the same, and generated clients apply the pattern to what they have parsed.
  if (pattern !== undefined && format !== undefined) return { format, ...rest }
  if (anyOf?.length !== 2) return value
  // `X or a list of X` is described as the list: code for the union does not compile in Java.
  const list = anyOf.find(({ type }) => type === 'array')
  const other = anyOf.find((one) => one !== list)
  return list && isDeepStrictEqual(list.items, other) ? { ...list, ...rest } : value
}

type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>

/** Replaces forms that code generators do not support with equivalent ones that they do. */
const simplify: Override = ({ zodSchema, jsonSchema }) => {
  const { def } = zodSchema._zod
  switch (def.type) {
    case 'custom':
      // Custom types have no JSON Schema. The only custom type here is "any JSON object".
      Object.assign(jsonSchema, { type: 'object', additionalProperties: {} })
      break
    case 'object':
      // A response can get more fields in a later version.
      if (def.catchall === undefined) delete jsonSchema.additionalProperties
      break
    case 'literal':
      if (jsonSchema.const !== undefined) jsonSchema.enum = [jsonSchema.const]
      if (Number.isInteger(jsonSchema.const)) jsonSchema.type = 'integer'
      delete jsonSchema.const
      break
    case 'record':
      // Every key of an object is a string.
      if (JSON.stringify(jsonSchema.propertyNames) === '{"type":"string"}') delete jsonSchema.propertyNames
      break
    case 'tuple':
      jsonSchema.items = { type: 'string' }
      delete jsonSchema.prefixItems
      break
    case 'number':
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      break
    default:
  }
}

const definition = '#/$defs/'

function references(schema: JsonSchema | undefined): string[] {
  const ids: string[] = []
  mapReferences(schema ?? {}, (id) => {
    ids.push(id)
    return id
  })
  return ids
}

function mapReferences(schema: JsonSchema, toReference: (id: string) => string): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? toReference(value.replace(definition, '')) : value,
  ) as JsonSchema
}
