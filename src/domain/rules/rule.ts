import type { JsonObject } from '../event.ts'

/**
 * The rule language as it is stored, after validation. Durations are strings such as `15m`, times of day `HH:MM`, time zones IANA
 * names, paths dotted as in `data.customerId`; filters are described in filters.ts.
 */
export interface RuleDefinition {
  name: string
  when: { events: string[]; filter?: JsonObject | undefined }
  /** Run in sequence. A step that delivers does not delay the next one unless it has `waitFor`. */
  steps: RuleStep[]
  /** Hold back the rule's deliveries until they end. */
  quietHours?: QuietHours[] | undefined
  /** Shorthand for a first step `digest`. */
  digest?: DigestSettings | undefined
  throttle?: Throttle | undefined
  dedupe?: Dedupe | undefined
  /** If the rule matches, later rules are ignored. */
  exclusive?: boolean | undefined
}

/** A stored rule. Rules are evaluated in the tenant's order. */
export interface Rule {
  id: string
  version: number
  definition: RuleDefinition
}

/** The kinds of steps, and the settings of each. */
export interface StepSettings {
  deliver: DeliverSettings
  delay: string | UntilTime
  awaitAck: { within: string; otherwise?: RuleStep[] | undefined }
  branch: { filter: JsonObject; steps: RuleStep[]; else?: RuleStep[] | undefined }
  digest: DigestSettings
  stop: true | string
}

export type StepKind = keyof StepSettings

/** A step has exactly one key, its kind: `{ "delay": "1h" }`. */
export type RuleStep = { [Kind in StepKind]: { [Key in Kind]: StepSettings[Kind] } }[StepKind]

/**
 * The fields of every kind of step, in the order in which a configuration document shows them. `steps` marks a field that holds a
 * nested list of steps: whatever walks through a rule derives from this table.
 */
export const stepFields: { [Kind in StepKind]: FieldRoles<StepSettings[Kind]> } = {
  deliver: { to: 'value', template: 'value', waitFor: 'value', onFailure: 'steps' },
  delay: { until: 'value', timezone: 'value' },
  awaitAck: { within: 'value', otherwise: 'steps' },
  branch: { filter: 'value', steps: 'steps', else: 'steps' },
  digest: { window: 'value', by: 'value', max: 'value' },
  stop: {},
}

type FieldRoles<Settings, Fields = Extract<Settings, object>> = [Fields] extends [never]
  ? Record<never, never>
  : { [Field in keyof Fields]-?: NonNullable<Fields[Field]> extends readonly RuleStep[] ? 'steps' : 'value' }

export const stepKinds = Object.keys(stepFields) as StepKind[]

/** The fields of a kind of step that hold nested lists of steps. Empty for an unknown kind. */
export function nestingFields(kind: string): string[] {
  if (!isStepKind(kind)) return []
  const roles: [string, 'steps' | 'value'][] = Object.entries(stepFields[kind])
  return roles.filter(([, role]) => role === 'steps').map(([field]) => field)
}

export function isStepKind(kind: string): kind is StepKind {
  return Object.hasOwn(stepFields, kind)
}

export interface DeliverSettings {
  /** Destination ids, without duplicates. */
  to: string[]
  template?: string | undefined
  /** Runs once every delivery of the step has ended and at least one was not delivered. */
  onFailure?: RuleStep[] | undefined
  /** The next step waits until every delivery has ended. Otherwise it begins immediately. */
  waitFor?: 'outcome' | undefined
}

/** Waits for the next time that clocks in the time zone show `until` (`HH:MM`). */
export interface UntilTime {
  until: string
  timezone: string
}

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof weekdays)[number]

/** A daily window in a time zone. `between[1]` may be `24:00`, or earlier than `between[0]`: then it ends on the next day. */
export interface QuietWindow {
  timezone: string
  between: [from: string, to: string]
  /** Days on which the window begins. Every day by default. */
  days?: Weekday[] | undefined
}

/** Events that match `unless` are not held back. */
export interface QuietHours extends QuietWindow {
  unless?: JsonObject | undefined
}

/** Collects events for `window` or until there are `max`, separately for each value at the path `by`. */
export interface DigestSettings {
  window: string
  by?: string | undefined
  max: number
}

/** At most `limit` events within any `per`, separately for each value at the path `by`. */
export interface Throttle {
  limit: number
  per: string
  by?: string | undefined
}

/** One event per value at the path `by` within `within`. Events without a value there pass. */
export interface Dedupe {
  by: string
  within: string
}

/** Limits that keep a plan within one workflow payload and its waits within one history. */
export const ruleLimits = {
  /** Per environment. */
  rules: 100,
  /** Destinations named by the enabled rules of an environment, counted at every mention. */
  namedDestinations: 1000,
  /** Per rule, including nested ones. */
  steps: 50,
  /** Nesting depth of lists of steps, including the rule's own list. */
  depth: 8,
  /** Per `deliver`. */
  destinations: 50,
  quietHours: 10,
  digestMax: 100,
  longestWaitMs: 30 * 24 * 3600 * 1000,
} as const
