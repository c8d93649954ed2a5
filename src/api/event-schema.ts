import { Ajv, type Options, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { LRUCache } from 'lru-cache'
import type { JsonObject } from '../domain/event.ts'
import { compileRegex } from '../domain/filter-regex.ts'
import type { FieldError } from './errors.ts'
import { fieldErrors } from './schema-errors.ts'
import { formats } from './schema-formats.ts'
import { countMultiplesExactly } from './schema-multiples.ts'
import { schemaLimits, walkSchema } from './schema-walk.ts'

/** Every problem of data up to this size is listed; of larger data the first one. */
const listedMaxBytes = 16 * 1024

const defaultDialect = 'https://json-schema.org/draft/2020-12/schema'
const draft7 = 'http://json-schema.org/draft-07/schema'
const dialects = [defaultDialect, draft7] as const
type Dialect = (typeof dialects)[number]
const instances = { [defaultDialect]: Ajv2020, [draft7]: Ajv }

const options: Options = {
  meta: false,
  validateSchema: false,
  strictSchema: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  // A payload may lack a field called toString, which every object inherits.
  ownProperties: true,
  formats,
  code: { regExp: Object.assign((pattern: string) => compileRegex(pattern, ''), { code: 'compileRegex' }) },
}

/** The meta-schemas are compiled once; what a tenant wrote is only data to them. */
const metaOptions: Options = { strict: false, validateFormats: false }
const metas = { [defaultDialect]: new Ajv2020(metaOptions), [draft7]: new Ajv(metaOptions) }

/** Compiling takes milliseconds. Keyed by what the schema says, so that a changed one is never taken for it. */
const compiled = new LRUCache<string, ValidateFunction>({ max: 200 })

/** What is wrong with a JSON Schema that a tenant wrote, each with its path. */
export function schemaProblems(schema: JsonObject): FieldError[] {
  const dialect = dialectOf(schema)
  if (!dialect) return [{ path: 'schema.$schema', message: `must be one of ${dialects.join(', ')}` }]
  if (Buffer.byteLength(JSON.stringify(schema)) > schemaLimits.bytes)
    return [{ path: 'schema', message: `must have at most ${schemaLimits.bytes} bytes of JSON` }]
  const problems = walkSchema(schema, ['schema'])
  if (problems.length > 0) return problems
  const meta = metas[dialect]
  const { $schema: _, ...rest } = schema
  if (meta.validateSchema(rest) !== true) return fieldErrors(meta.errors ?? [], 'schema')
  return compileProblems(schema)
}

/** How the data of an event does not fit a schema that has no problems; paths begin with `at`. */
export function dataProblems(schema: JsonObject, data: JsonObject, at: string): FieldError[] {
  const validate = validatorOf(schema, { allErrors: false })
  if (validate(data)) return []
  if (Buffer.byteLength(JSON.stringify(data)) > listedMaxBytes) return fieldErrors(validate.errors ?? [], at)
  const listing = validatorOf(schema, { allErrors: true })
  listing(data)
  return fieldErrors(listing.errors ?? [], at)
}

function compileProblems(schema: JsonObject): FieldError[] {
  try {
    validatorOf(schema, { allErrors: false })
    return []
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return [{ path: 'schema', message: `cannot be used: ${message}` }]
  }
}

/** An instance for each schema: one keeps what it has compiled for as long as it lives. */
function validatorOf(schema: JsonObject, { allErrors }: { allErrors: boolean }): ValidateFunction {
  const key = `${allErrors}${JSON.stringify(schema)}`
  const known = compiled.get(key)
  if (known) return known
  const { $schema: _, ...rest } = schema
  const Instance = instances[dialectOf(schema) ?? defaultDialect]
  const made = countMultiplesExactly(new Instance({ ...options, allErrors })).compile(rest)
  compiled.set(key, made)
  return made
}

function dialectOf({ $schema = defaultDialect }: JsonObject): Dialect | undefined {
  const uri = typeof $schema === 'string' ? $schema.replace(/#$/, '') : ''
  return dialects.find((dialect) => dialect === uri)
}
