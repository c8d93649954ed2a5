import type { JsonObject } from '../event.ts'

/**
 * The rule language as it is stored: what a tenant wrote, past its schema. Durations are texts such as `15m`, times
 * of day `HH:MM`, zones IANA names, paths dotted as in `data.customerId`, filters those of filters.ts.
 */
export interface RuleDefinition {
  name: string
  when: { events: string[]; filter?: JsonObject | undefined }
  /** One after the other. A step that delivers does not hold up the next one, unless it says so. */
  steps: RuleStep[]
  /** Hold back whatever the rule delivers until they are over. */
  quietHours?: QuietHours[] | undefined
  /** Shorthand for a first step `digest`. */
  digest?: DigestSettings | undefined
  throttle?: Throttle | undefined
  dedupe?: Dedupe | undefined
  /** Once it matches, no later rule is looked at. */
  exclusive?: boolean | undefined
}

/** A rule as it stands in a tenant's order. */
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
  /** Destination ids, each at most once. */
  to: string[]
  template?: string | undefined
  /** Once every delivery of the step is over and one of them has not arrived. */
  onFailure?: RuleStep[] | undefined
  /** The next step waits until every delivery is over; otherwise it begins at once. */
  waitFor?: 'outcome' | undefined
}

/** The next time that the clock of a zone shows `until` (`HH:MM`). */
export interface UntilTime {
  until: string
  timezone: string
}

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof weekdays)[number]

/** A time of the day in a zone. `between[1]` may be `24:00`, or before `between[0]`: then it ends on the day after. */
export interface QuietWindow {
  timezone: string
  between: [from: string, to: string]
  /** On which it begins; every day by default. */
  days?: Weekday[] | undefined
}

/** Events that pass `unless` are not held back. */
export interface QuietHours extends QuietWindow {
  unless?: JsonObject | undefined
}

/** Collects events, by the value at a path if one is given, for so long or until there are so many. */
export interface DigestSettings {
  window: string
  by?: string | undefined
  max: number
}

/** At most so many events in any span of `per`, by the value at a path if one is given. */
export interface Throttle {
  limit: number
  per: string
  by?: string | undefined
}

/** One event with the same value within so long. One without a value there is let pass. */
export interface Dedupe {
  by: string
  within: string
}

/** What bounds a plan: it must fit into one workflow payload, and what it waits for into one history. */
export const ruleLimits = {
  /** Of one environment. */
  rules: 100,
  /** Destinations named by the enabled rules of one environment, counted each time. */
  namedDestinations: 1000,
  /** Of one rule, nested ones included. */
  steps: 50,
  /** Lists of steps inside of each other, the rule's own included. */
  depth: 8,
  /** Of one `deliver`. */
  destinations: 50,
  quietHours: 10,
  digestMax: 100,
  longestWaitMs: 30 * 24 * 3600 * 1000,
} as const
