/** `sandbox` and `production` never mix: every key, destination and event belongs to exactly one of them. */
export const environments = ['sandbox', 'production'] as const
export type Environment = (typeof environments)[number]

export type Json = string | number | boolean | null | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An accepted event. `createdAt` is the ISO 8601 time (UTC) when Switchyard accepted it. */
export interface Event {
  id: string
  tenantId: string
  environment: Environment
  type: string
  data: JsonObject
  createdAt: string
  /** After this time (ISO 8601, UTC) no attempts are made. */
  expiresAt?: string
  /** An operational event, made by Switchyard itself. */
  operational?: true
  /** A test event, posted to try a destination: nothing happened. Receivers see it by a header. */
  test?: true
  /** The number of webhooks that led to the event; absent if 0. See `hops.ts`. */
  hops?: number
}

/** The time (Unix ms) after which no attempts are made; `Infinity` for an event that does not expire. */
export function expiryMs({ expiresAt }: Pick<Event, 'expiresAt'>): number {
  return expiresAt === undefined ? Infinity : Date.parse(expiresAt)
}

/** Dotted words, e.g. `aml.match.found`, `non_document.check_initiated`, `DOCVER`. */
export const eventTypePattern = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/
export const maxEventTypeLength = 128

/** No `/`: an id is a part of a Temporal workflow id. No `.`: Standard Webhooks signs `id.timestamp.body`. */
export const eventIdPattern = /^[A-Za-z0-9][A-Za-z0-9_:-]*$/
export const maxEventIdLength = 128

export function isEventId(text: string): boolean {
  return text.length <= maxEventIdLength && eventIdPattern.test(text)
}

/** The maximum size of an event's JSON body in bytes. */
export const maxEventBytes = 256 * 1024
