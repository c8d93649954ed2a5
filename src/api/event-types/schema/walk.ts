import { isJsonObject, type Json, type JsonObject } from '../../../domain/event.ts'
import { measureRegex } from '../../../domain/filters/regex.ts'
import type { FieldError } from '../../errors.ts'
import { formatNames } from './formats.ts'

/** Limits on a tenant's JSON Schema, which is evaluated for every event of its type. */
export const schemaLimits = {
  bytes: 64 * 1024,
  depth: 32,
  /** The number of nested schemas, each counted once per reference to it. */
  schemas: 1000,
  /** Direct children of one keyword. Ajv nests the code for them, which takes time quadratic in their number. */
  siblings: 500,
  /** The compiled size of all patterns together. */
  regexSize: 1000,
  uniqueItems: 1000,
} as const

const single = [
  'items', 'additionalItems', 'unevaluatedItems', 'contains', 'additionalProperties', 'unevaluatedProperties', 'propertyNames',
  'not', 'if', 'then', 'else',
] // prettier-ignore
const lists = ['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']
const maps = ['properties', 'patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions']
const plain = [
  '$schema', '$comment', '$ref', '$anchor', 'title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly',
  'type', 'enum', 'const', 'format', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum', 'exclusiveMinimum',
  'exclusiveMaximum', 'multipleOf', 'minItems', 'maxItems', 'uniqueItems', 'minContains', 'maxContains', 'required',
  'minProperties', 'maxProperties', 'dependentRequired', 'contentEncoding', 'contentMediaType',
] // prettier-ignore
const known = new Set([...single, ...lists, ...maps, ...plain])

interface Place {
  schema: JsonObject
  path: string[]
}

/** Returns the direct subschemas of a schema, with their paths. */
function schemasIn({ schema, path }: Place): Place[] {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const here = [...path, keyword]
    if (isJsonObject(value) && single.includes(keyword)) return [{ schema: value, path: here }]
    const holds = Array.isArray(value) ? lists : maps
    if (!holds.includes(keyword) || typeof value !== 'object' || value === null) return []
    return Object.entries(value).flatMap(([name, inner]) =>
      isJsonObject(inner) ? [{ schema: inner, path: [...here, name] }] : [],
    )
  })
}

/** Returns the problems of a schema, each with its path. `path` is the path of the schema itself. */
export function walkSchema(root: JsonObject, path: string[]): FieldError[] {
  const places = allPlaces({ schema: root, path }, path.length + schemaLimits.depth)
  if (places === undefined) {
    const message = `must not be nested deeper than ${schemaLimits.depth} levels`
    return [{ path: path.join('.'), message }]
  }
  const schemas = new Set(places.map(({ schema }) => schema))
  const problems = places.flatMap((place) => problemsAt(place, root, schemas))
  return problems.length > 0 ? problems : expansionProblems(root, places, path)
}

function allPlaces(place: Place, deepest: number): Place[] | undefined {
  if (place.path.length > deepest) return undefined
  const found = [place]
  for (const inner of schemasIn(place)) {
    const below = allPlaces(inner, deepest)
    if (below === undefined) return undefined
    found.push(...below)
  }
  return found
}

function problemsAt({ schema, path }: Place, root: JsonObject, schemas: Set<unknown>): FieldError[] {
  const problem = (keyword: string, message: string) => [{ path: [...path, keyword].join('.'), message }]
  return Object.entries(schema).flatMap(([keyword, value]) => {
    if (!known.has(keyword)) return problem(keyword, 'is not a supported JSON Schema keyword')
    if (keyword === '$schema' && schema !== root) return problem(keyword, 'must be at the root of the schema')
    if (keyword === '$ref' && !schemas.has(resolve(root, value)))
      return problem(keyword, 'must refer to a schema inside this one, as in #/$defs/address')
    if (keyword === 'format' && !formatNames.some((name) => name === value))
      return problem(keyword, `must be one of ${formatNames.join(', ')}`)
    if (keyword === 'uniqueItems' && value === true && !(Number(schema.maxItems) <= schemaLimits.uniqueItems))
      return problem(keyword, `requires maxItems of at most ${schemaLimits.uniqueItems} in the same schema`)
    if (isTooWide(keyword, value))
      return problem(keyword, `must contain at most ${schemaLimits.siblings} schemas`)
    const message = listPatterns(keyword, value).map(patternProblem).find(Boolean)
    return message ? problem(keyword, message) : []
  })
}

function isTooWide(keyword: string, value: Json | undefined): boolean {
  if (![...lists, ...maps].includes(keyword) || typeof value !== 'object' || value === null) return false
  return Object.keys(value).length > schemaLimits.siblings
}

function listPatterns(keyword: string, value: Json | undefined): string[] {
  if (keyword === 'pattern' && typeof value === 'string') return [value]
  return keyword === 'patternProperties' && isJsonObject(value) ? Object.keys(value) : []
}

function patternProblem(pattern: string): string | undefined {
  const measured = measureRegex(pattern, '')
  return 'problem' in measured ? measured.problem : undefined
}

/** Resolves a reference inside the document: a JSON pointer to an object. */
function resolve(root: JsonObject, reference: Json | undefined): JsonObject | undefined {
  if (reference === '#') return root
  if (typeof reference !== 'string' || !/^#\/[^%]+$/.test(reference)) return undefined
  const names = reference.slice(2).split('/')
  const found = names.reduce<Json | undefined>((value, escaped) => {
    const name = escaped.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(value)) return value[Number(name)]
    return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  }, root)
  return isJsonObject(found) ? found : undefined
}

/**
 * References multiply: a schema that is referenced twice, and itself references another one twice, evaluates that one four times.
 */
function expansionProblems(root: JsonObject, places: Place[], path: string[]): FieldError[] {
  const patterns = places.flatMap(({ schema }) =>
    Object.entries(schema).flatMap(([keyword, value]) => listPatterns(keyword, value)),
  )
  const sizes = patterns.map((pattern) => measureRegex(pattern, ''))
  const regexSize = sizes.reduce((sum, measured) => sum + ('size' in measured ? measured.size : 0), 0)
  const problem = (message: string) => [{ path: path.join('.'), message }]
  if (regexSize > schemaLimits.regexSize) return problem('has patterns that are too large in total')
  const expanded = countSchemas(root, root, new Map())
  if (expanded === Infinity) return problem('has a circular $ref, which is not supported')
  if (expanded > schemaLimits.schemas)
    return problem(`must have at most ${schemaLimits.schemas} schemas, counting each one once per reference`)
  return []
}

/** Counts the schemas with every reference expanded. Returns `Infinity` if a reference is circular. */
function countSchemas(schema: JsonObject, root: JsonObject, counts: Map<JsonObject, number>): number {
  const known = counts.get(schema)
  if (known !== undefined) return known
  counts.set(schema, Infinity)
  const referred = schema.$ref === undefined ? undefined : resolve(root, schema.$ref)
  const inner = [
    ...schemasIn({ schema, path: [] }).map((place) => place.schema),
    ...(referred ? [referred] : []),
  ]
  const count = inner.reduce((sum, one) => sum + countSchemas(one, root, counts), 1)
  counts.set(schema, count)
  return count
}
