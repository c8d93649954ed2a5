import type { Channel } from '../../channels/channel.ts'
import { isJsonObject, type Json, type JsonObject } from '../../domain/event.ts'
import { isMask, maskText } from '../../domain/redaction/redaction.ts'
import { invalid, type FieldError } from '../errors.ts'

/**
 * Returns a document's config with each mask replaced by the stored secret. The mask need not match that secret, because secrets
 * may be rotated without changing the document. Throws 422 for a mask without a stored secret.
 */
export function keepSecrets(channel: Channel, given: JsonObject, stored: JsonObject | undefined): JsonObject {
  const problems: FieldError[] = []
  const keep = (value: Json, kept: Json | undefined, path: string): Json => {
    if (typeof value !== 'string')
      return mapInner(value, (inner, key) => keep(inner, at(kept, key), `${path}.${key}`))
    if (!isMask(value)) return value
    if (typeof kept === 'string') return kept
    problems.push({ path, message: 'is masked, but no value is stored; provide the value' })
    return value
  }
  const config = mapInner(given, (value, key) =>
    channel.secrets.includes(key) ? keep(value, at(stored, key), `config.${key}`) : value,
  )
  if (problems.length > 0) throw invalid(problems)
  return config
}

/** Returns the config with the store's own masks for the document's masks, so that the store knows which secrets are not new. */
export function keptAsMasks(channel: Channel, given: JsonObject, config: JsonObject): JsonObject {
  const keep = (value: Json, written: Json | undefined): Json => {
    if (typeof value !== 'string') return mapInner(value, (inner, key) => keep(inner, at(written, key)))
    return typeof written === 'string' && isMask(written) ? maskText(value) : value
  }
  return mapInner(config, (value, key) =>
    channel.secrets.includes(key) ? keep(value, at(given, key)) : value,
  )
}

/**
 * Masks the secrets for documents and diffs. A secret that differs from `before` is marked as changed, because two masks may look
 * the same.
 */
export function maskSecrets(channel: Channel, config: JsonObject, before?: JsonObject): JsonObject {
  const hide = (value: Json, old: Json | undefined): Json => {
    if (typeof value !== 'string') return mapInner(value, (inner, key) => hide(inner, at(old, key)))
    const isChanged = typeof old === 'string' && old !== value
    return isChanged ? `${maskText(value)} (changed)` : maskText(value)
  }
  return mapInner(config, (value, key) =>
    channel.secrets.includes(key) ? hide(value, at(before, key)) : value,
  )
}

function at(value: Json | undefined, key: string): Json | undefined {
  if (Array.isArray(value)) return value[Number(key)]
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

function mapInner<Value extends Json>(value: Value, change: (inner: Json, key: string) => Json): Value
function mapInner(value: Json, change: (inner: Json, key: string) => Json): Json {
  if (Array.isArray(value)) return value.map((inner, index) => change(inner, String(index)))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner, key)]))
}
