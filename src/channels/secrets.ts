import { isJsonObject, type Json, type JsonObject } from '../domain/event.ts'
import { isSecretHeader } from '../domain/redaction/header-secrets.ts'
import { maskText } from '../domain/redaction/redaction.ts'
import type { SigningKeys } from '../domain/crypto/signing-keys.ts'
import type { Channel } from './channel.ts'
import { parseUrl } from '../egress/parse-url.ts'

/** Splits a config into the fields that may be read and those that are encrypted at rest. */
export function splitConfig(
  { secrets }: Channel,
  config: JsonObject,
): { open: JsonObject; secret: JsonObject } {
  const entries = Object.entries(config)
  return {
    open: Object.fromEntries(entries.filter(([key]) => !secrets.includes(key))),
    secret: Object.fromEntries(entries.filter(([key]) => secrets.includes(key))),
  }
}

/** A config as responses show it: every string inside a secret field is masked. */
export function maskConfig({ secrets }: Channel, config: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, secrets.includes(key) ? maskDeep(value) : value]),
  )
}

/** Replaces masked secrets in a changed config by the stored ones: a client may write back what it has read. */
export function unmaskConfig({ secrets }: Channel, changed: JsonObject, stored: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(changed).map(([key, value]) => [
      key,
      secrets.includes(key) ? unmaskDeep(value, stored[key]) : value,
    ]),
  )
}

/** Every secret string of a destination, to be removed from a receiver's response. */
export function secretValues(
  channel: Channel,
  { config, keys }: { config: JsonObject; keys: SigningKeys },
): string[] {
  const values = secretTexts(splitConfig(channel, config).secret).flatMap((text) => [
    text,
    ...text.split(/\s+/).filter((word) => word.length >= 8), // the token in `Bearer <token>`
    ...urlSecrets(text),
  ])
  return [...values, ...keys.secrets, ...(keys.privateKeys ?? [])]
}

function maskDeep(value: Json): Json {
  if (typeof value === 'string') return maskText(value)
  if (Array.isArray(value)) return value.map(maskDeep)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskDeep(inner)]))
}

function unmaskDeep(value: Json, stored: Json | undefined): Json {
  if (typeof value === 'string')
    return typeof stored === 'string' && value === maskText(stored) ? stored : value
  if (!isJsonObject(value) || !isJsonObject(stored)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, unmaskDeep(inner, stored[key])]),
  )
}

/** A secret field is a string, or an object of header values, of which some are not secret. */
function secretTexts(fields: JsonObject): string[] {
  return Object.values(fields).flatMap((value) => {
    if (typeof value === 'string') return [value]
    if (!isJsonObject(value)) return []
    return Object.entries(value).flatMap(([name, text]) =>
      typeof text === 'string' && isSecretHeader(name, text) ? [text] : [],
    )
  })
}

/** The parts of a secret URL that are secret on their own: its password, path, last path segment, query and query values. */
function urlSecrets(text: string): string[] {
  const url = parseUrl(text)
  if (!url) return []
  const { username, password, pathname, search, searchParams } = url
  const decoded = decode(password)
  const login = `\0${decode(username)}\0${decoded}` // as SMTP's AUTH PLAIN writes it (RFC 4616)
  const ends = [pathname.split('/').at(-1) ?? '', ...searchParams.values()].filter((part) => part.length >= 8)
  return [password, decoded, ...(password ? [login] : []), pathname, search, ...ends].filter(
    (part) => part.length > 1,
  )
}

/** Returns a badly encoded string unchanged. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
