import fc, { type Arbitrary } from 'fast-check'
import { z } from 'zod'
import type { Json } from '../../../src/domain/event.ts'

/** The part of JSON Schema that our zod schemas come out as. */
export interface JsonSchema {
  $ref?: string
  $defs?: Record<string, JsonSchema>
  type?: string | string[]
  const?: Json
  enum?: Json[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: JsonSchema | boolean
  propertyNames?: JsonSchema
  minProperties?: number
  maxProperties?: number
  items?: JsonSchema
  prefixItems?: JsonSchema[]
  minItems?: number
  maxItems?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  format?: string
  minimum?: number
  maximum?: number
}

/** What a field of this name holds, where its schema says less than what it takes: an id, a URL, a filter. */
export type FieldValues = (name: string, schema: JsonSchema) => Arbitrary<Json> | undefined

interface Context {
  defs: Record<string, JsonSchema>
  fields: FieldValues
  /** How many named schemas, which may hold themselves, this one is inside of. */
  depth: number
}

/** Values that a schema takes, as far as JSON Schema can say it: refinements are left to `fields`. */
export function validValues(schema: z.ZodType, fields: FieldValues): Arbitrary<Json> {
  const described = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'custom') jsonSchema.type = 'object'
    },
  }) as unknown as JsonSchema
  return valueOf(described, { defs: described.$defs ?? {}, fields, depth: 0 })
}

/** What holds itself is nested so deep; below that its lists stay empty. */
const deepest = 3

function valueOf(schema: JsonSchema, context: Context): Arbitrary<Json> {
  if (schema.$ref !== undefined) return referred(schema.$ref, context)
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return fc.oneof(...choices.map((choice) => valueOf(choice, context)))
  if (Array.isArray(schema.type))
    return fc.oneof(...schema.type.map((type) => valueOf({ ...schema, type }, context)))
  if (schema.allOf) {
    const [first = {}, ...others] = schema.allOf
    return valueOf(
      others.reduce((all, one) => ({ ...all, ...one }), { ...first, type: schema.type }),
      context,
    )
  }
  switch (schema.type) {
    case 'object':
      return objectOf(schema, context)
    case 'array':
      return listOf(schema, context)
    case 'string':
      return textOf(schema)
    case 'integer':
      return fc.integer(range(schema))
    case 'number':
      return fc.double({ ...range(schema), noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case undefined:
      return anyJson
    default:
      throw new Error(`schema-arbitrary.ts cannot make a value of the type ${schema.type}: add it there`)
  }
}

const anyJson = fc.jsonValue({ maxDepth: 3 }) as Arbitrary<Json>

function referred(reference: string, context: Context): Arbitrary<Json> {
  const name = reference.replace('#/$defs/', '')
  const schema = context.defs[name]
  if (!schema) throw new Error(`schema-arbitrary.ts does not know where ${reference} leads to`)
  if (context.depth >= deepest) return fc.constant({})
  return valueOf(schema, { ...context, depth: context.depth + 1 })
}

function objectOf(schema: JsonSchema, context: Context): Arbitrary<Json> {
  const { properties, required = [], additionalProperties: others, minProperties, maxProperties } = schema
  if (!properties) return recordOf(schema, others, context)
  const names = Object.keys(properties)
  const values = Object.fromEntries(
    names.map((name) => {
      const field = properties[name] ?? {}
      return [name, context.fields(name, field) ?? valueOf(field, context)]
    }),
  )
  // As the step of a rule: exactly one of what there is.
  if (minProperties === 1 && maxProperties === 1)
    return fc.oneof(...names.map((name) => fc.record({ [name]: values[name] ?? anyJson })))
  return fc.record(values, { requiredKeys: required })
}

function recordOf(schema: JsonSchema, others: JsonSchema['additionalProperties'], context: Context) {
  const names = schema.propertyNames ? valueOf(schema.propertyNames, context) : fc.string({ maxLength: 12 })
  const values = typeof others === 'object' ? valueOf(others, context) : anyJson
  return fc.dictionary(names as Arbitrary<string>, values, { maxKeys: 4 })
}

function listOf({ items, prefixItems, minItems, maxItems }: JsonSchema, context: Context) {
  if (prefixItems) return fc.tuple(...prefixItems.map((item) => valueOf(item, context)))
  const [minLength, maxLength] = [minItems ?? 0, Math.min(maxItems ?? 4, Math.max(minItems ?? 0, 4))]
  return fc.array(valueOf(items ?? {}, context), { minLength, maxLength })
}

function textOf({ pattern, format, minLength, maxLength }: JsonSchema): Arbitrary<string> {
  if (format === 'email') return fc.emailAddress()
  if (format === 'date-time') return times
  if (pattern === undefined) return fc.string({ ...bounds({ minLength, maxLength }), unit: 'grapheme' })
  const [least, most] = [minLength ?? 0, maxLength ?? Infinity]
  const matching = fc.stringMatching(new RegExp(pattern, 'u'))
  return matching.filter((text) => text.trim().length >= least && text.length <= most)
}

const times = fc
  .oneof(fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') }), nearNow())
  .map((time) => time.toISOString())

function nearNow() {
  const now = Date.now()
  return fc.integer({ min: -86_400_000, max: 86_400_000 }).map((ms) => new Date(now + ms))
}

function range({ minimum, maximum }: JsonSchema) {
  return { ...(minimum !== undefined && { min: minimum }), ...(maximum !== undefined && { max: maximum }) }
}

function bounds({ minLength, maxLength }: Pick<JsonSchema, 'minLength' | 'maxLength'>) {
  return { ...(minLength !== undefined && { minLength }), ...(maxLength !== undefined && { maxLength }) }
}
