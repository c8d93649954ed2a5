import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import { findChannel } from '../../channels/index.ts'
import type { DeliveryPolicy, DestinationStatus, Subscription } from '../../domain/destination.ts'
import { isJsonObject, type Json, type JsonObject } from '../../domain/event.ts'
import { isStepKind, nestingFields, stepFields, type RuleDefinition } from '../../domain/rules/rule.ts'
import { deliveryPolicy } from '../destinations/fields.ts'
import { digest } from '../rules/values.ts'
import type { NewTemplate } from '../templates/store.ts'
import { mapDelivers } from './steps.ts'

/** The names that documents use for ids. An id that no longer exists has no entry and is shown as it is. */
export type NamesById = ReadonlyMap<string, string>

export interface DescribedDestination {
  name: string
  channel: string
  config: JsonObject
  subscription: Subscription
  delivery: DeliveryPolicy
  status: DestinationStatus
}

/** Returns the destination's entry in a document, with unmasked secrets and without the schema's defaults. */
export function describeDestination(destination: DescribedDestination): JsonObject {
  const { name, channel, config, subscription, delivery, status } = destination
  const known = findChannel(channel)
  const schema = known?.config
  const { maxPerSecond } = delivery
  const isDefault = maxPerSecond === known?.maxPerSecond
  const asGiven = plain({ ...delivery, maxPerSecond: isDefault ? undefined : maxPerSecond })
  const policy = inOrder(withoutDefaults(deliveryPolicy, asGiven), Object.keys(deliveryPolicy.shape))
  return plain({
    name,
    channel,
    // A disabled destination is shown as active, because `disabled` is not a configured status.
    ...(status === 'paused' && { status }),
    config: schema ? inOrder(withoutDefaults(schema, plain(config)), Object.keys(schema.shape)) : config,
    subscription: inOrder(plain(subscription), ['eventTypes', 'filter']),
    ...(Object.keys(policy).length > 0 && { delivery: policy }),
  })
}

export function describeTemplate({ name, eventTypes, parts }: NewTemplate): JsonObject {
  return plain({ name, ...(eventTypes.length > 0 && { eventTypes }), parts })
}

export interface DescribedRule {
  definition: RuleDefinition
  enabled: boolean
}

export function describeRule(
  { definition, enabled }: DescribedRule,
  names: { destinations: NamesById; templates: NamesById },
): JsonObject {
  const { name, when, steps, quietHours, digest: collected, ...others } = definition
  const named = (deliver: JsonObject): JsonObject => ({
    ...deliver,
    ...(Array.isArray(deliver.to) && { to: deliver.to.map((id) => resolveName(id, names.destinations)) }),
    ...(deliver.template !== undefined && { template: resolveName(deliver.template, names.templates) }),
  })
  return plain({
    name,
    ...(!enabled && { enabled }),
    when: inOrder(plain(when), ['events', 'filter']),
    steps: orderSteps(mapDelivers(plain({ steps }).steps ?? [], 'steps', named)),
    quietHours: quietHours?.map((window) => inOrder(plain(window), windowFields)),
    digest: collected && inOrder(withoutDefaults(digest, plain(collected)), digestFields),
    ...inOrder(plain(others), ['throttle', 'dedupe', 'exclusive']),
  })
}

const windowFields = ['timezone', 'between', 'days', 'unless']
const digestFields = Object.keys(stepFields.digest)

/** Restores the order of keys, because PostgreSQL stores the keys of JSON in its own order. */
function orderSteps(steps: Json): Json {
  if (!Array.isArray(steps)) return steps
  return steps.map((step) => {
    const [kind = '', settings = null] = Object.entries(isJsonObject(step) ? step : {})[0] ?? []
    return isJsonObject(settings) ? { [kind]: orderStep(kind, settings) } : step
  })
}

function orderStep(kind: string, settings: JsonObject): JsonObject {
  const short = kind === 'digest' ? withoutDefaults(digest, settings) : settings
  const entries = Object.entries(inOrder(short, isStepKind(kind) ? Object.keys(stepFields[kind]) : []))
  const lists = nestingFields(kind)
  return Object.fromEntries(
    entries.map(([name, value]) => [name, lists.includes(name) ? orderSteps(value) : value]),
  )
}

function resolveName(id: Json, names: NamesById): Json {
  return typeof id === 'string' ? (names.get(id) ?? id) : id
}

/** Puts the known fields first, in this order. */
function inOrder(object: JsonObject, fields: readonly string[]): JsonObject {
  const place = (name: string) => (fields.includes(name) ? fields.indexOf(name) : fields.length)
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => place(a) - place(b)))
}

/** Removes every field that the schema would restore with the same value. */
function withoutDefaults(schema: z.ZodObject, object: JsonObject): JsonObject {
  const whole = schema.safeParse(object)
  if (!whole.success) return object
  return Object.fromEntries(
    Object.keys(whole.data)
      .filter((field) => !isFilledIn(schema, whole.data, field))
      .map((field) => [field, whole.data[field] as Json]),
  )
}

function isFilledIn(schema: z.ZodObject, whole: Record<string, unknown>, field: string): boolean {
  const { [field]: _left, ...rest } = whole
  const parsed = schema.safeParse(rest)
  return parsed.success && isDeepStrictEqual(parsed.data, whole)
}

/** Converts to plain JSON, without undefined fields. */
function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject
}
