import type { JsonObject } from '../../domain/event.ts'

/**
 * A contract's `filters` in our filter language. Its client knows only the payload, so that a bare field stands for one
 * of the payload's: `{"risk": "high"}` is `{"data.risk": "high"}`. Our own paths and operators are taken as they are.
 */
export function filterOf(filters: JsonObject): JsonObject | undefined {
  const entries = Object.entries(filters).map(([key, value]) => [isOurs(key) ? key : `data.${key}`, value])
  return entries.length > 0 ? (Object.fromEntries(entries) as JsonObject) : undefined
}

function isOurs(key: string): boolean {
  return key.startsWith('$') || /^(id|type|data)(\.|$)/.test(key)
}
