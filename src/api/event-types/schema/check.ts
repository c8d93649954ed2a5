import { Ajv, type Options, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { LRUCache } from 'lru-cache'
import { OverDeadline, withinDeadline } from '../../../templates/deadline.ts'
import type { JsonObject } from '../../../domain/event.ts'
import { exactly } from '../../../domain/json/exact-number.ts'
import { compileRegex, forgetCompiledRegexes } from '../../../domain/filters/regex.ts'
import { jsonText } from '../../../domain/json/json-text.ts'
import type { FieldError } from '../../errors.ts'
import { fieldErrors } from './errors.ts'
import { formats } from './formats.ts'
import { countMultiplesExactly } from './multiples.ts'
import { compareExactly, standIn } from './numbers.ts'
import { schemaLimits, walkSchema } from './walk.ts'

/** All problems are listed for data up to this size; for larger data only the first. */
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
  // Prevents fields such as `toString`, which every object inherits, from counting as present in a payload.
  ownProperties: true,
  formats,
  code: { regExp: Object.assign((pattern: string) => compileRegex(pattern, ''), { code: 'compileRegex' }) },
}

/** Time limit for compiling a schema when it is saved. A schema that passes takes no longer when it is compiled again. */
const compileMs = 2_000
/** Time limits for finding the first problem of an event's data, and for listing the others. */
const firstProblemMs = 1_000
const listingMs = 300

/** The meta-schemas are compiled once. A tenant's schema is only data to them. */
const metaOptions: Options = { strict: false, validateFormats: false }
const metas = { [defaultDialect]: new Ajv2020(metaOptions), [draft7]: new Ajv(metaOptions) }
for (const meta of Object.values(metas)) void meta.validateSchema({})

/** Keyed by the schema's content, so that a changed schema never hits an old entry. Bounded by the total length of the schemas. */
let compiled = createCache()

function createCache() {
  return new LRUCache<string, ValidateFunction>({
    maxSize: 1024 * 1024,
    sizeCalculation: (_validate, key) => key.length,
  })
}

export function forgetCompiledSchemas(): void {
  compiled = createCache()
  forgetCompiledRegexes()
}

/** Validators and patterns may be left in an inconsistent state when they are interrupted, so they are not used again. */
function interruptible<Result>(timeoutMs: number, run: () => Result): Result {
  try {
    return withinDeadline(timeoutMs, run)
  } catch (error) {
    if (error instanceof OverDeadline) forgetCompiledSchemas()
    throw error
  }
}

/**
 * Returns the problems of a tenant's JSON Schema or, if the schema is valid, the mismatches of its sample. Runs on a compute
 * thread.
 */
export function checkSchema(schema: JsonObject, sample: JsonObject | null): FieldError[] {
  const problems = schemaProblems(schema)
  if (problems.length > 0) return problems
  return sample ? checkData(schema, sample, 'sample') : []
}

/**
 * Returns the mismatches between an event's data and a schema without problems; their paths begin with `at`. Runs on a compute
 * thread. Throws `OverDeadline` if that takes too long.
 */
export function checkData(schema: JsonObject, data: JsonObject, at: string): FieldError[] {
  const first = interruptible(firstProblemMs, () => findProblems(schema, data, { at, allErrors: false }))
  if (first.length === 0 || Buffer.byteLength(jsonText(data)) > listedMaxBytes) return first
  try {
    return interruptible(listingMs, () => findProblems(schema, data, { at, allErrors: true }))
  } catch (error) {
    if (error instanceof OverDeadline) return first
    throw error
  }
}

function findProblems(
  schema: JsonObject,
  data: JsonObject,
  { at, allErrors }: { at: string; allErrors: boolean },
): FieldError[] {
  const exact = exactly(data)
  const isExact = exact !== data
  const validate = createValidator(schema, { allErrors, isExact })
  try {
    const fits = isExact ? validate.call({ exact }, standIn(exact)) : validate(data)
    return fits ? [] : fieldErrors(validate.errors ?? [], at)
  } catch (error) {
    if (error instanceof RangeError)
      return [{ path: at, message: 'cannot be validated because its schema is too large' }]
    throw error
  }
}

/** Returns the problems of a tenant's JSON Schema, each with its path. */
function schemaProblems(schema: JsonObject): FieldError[] {
  const dialect = readDialect(schema)
  if (!dialect) return [{ path: 'schema.$schema', message: `must be one of ${dialects.join(', ')}` }]
  if (Buffer.byteLength(JSON.stringify(schema)) > schemaLimits.bytes)
    return [{ path: 'schema', message: `must be at most ${schemaLimits.bytes} bytes of JSON` }]
  const problems = walkSchema(schema, ['schema'])
  if (problems.length > 0) return problems
  const meta = metas[dialect]
  const { $schema: _, ...rest } = schema
  if (meta.validateSchema(rest) !== true) return fieldErrors(meta.errors ?? [], 'schema')
  return compileProblems(schema)
}

/** Compiles the schema and runs it once, because V8 reports some errors only at the first call. */
function compileProblems(schema: JsonObject): FieldError[] {
  try {
    interruptible(compileMs, () => {
      for (const allErrors of [false, true]) createValidator(schema, { allErrors })({})
    })
    return []
  } catch (error) {
    return [{ path: 'schema', message: `cannot be used: ${whyUnusable(error)}` }]
  }
}

function whyUnusable(error: unknown): string {
  if (error instanceof OverDeadline) return `compiling it takes longer than ${compileMs / 1000} seconds`
  if (error instanceof RangeError) return 'it is too large to compile'
  return error instanceof Error ? error.message : String(error)
}

/** Creates an Ajv instance for each schema, because an instance keeps everything that it has compiled for as long as it lives. */
function createValidator(
  schema: JsonObject,
  { allErrors, isExact = false }: { allErrors: boolean; isExact?: boolean },
): ValidateFunction {
  const key = `${allErrors} ${isExact} ${JSON.stringify(schema)}`
  const known = compiled.get(key)
  if (known) return known
  const { $schema: _, ...rest } = schema
  const Instance = instances[readDialect(schema) ?? defaultDialect]
  const instance = countMultiplesExactly(new Instance({ ...options, allErrors, passContext: isExact }))
  const made = (isExact ? compareExactly(instance) : instance).compile(rest)
  compiled.set(key, made)
  return made
}

function readDialect({ $schema = defaultDialect }: JsonObject): Dialect | undefined {
  const uri = typeof $schema === 'string' ? $schema.replace(/#$/, '') : ''
  return dialects.find((dialect) => dialect === uri)
}
