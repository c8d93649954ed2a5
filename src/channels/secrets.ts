import { isJsonObject, type Json, type JsonObject } from '../domain/event.ts'
import { isSecretHeader } from '../domain/redaction/header-secrets.ts'
import { maskText } from '../domain/redaction/redaction.ts'
import type { SigningKeys } from '../domain/crypto/signing-keys.ts'
import type { Channel } from './channel.ts'
import { parseUrl } from '../egress/parse-url.ts'

/** A config in two: what may be read, and what is encrypted at rest. */
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

/** A config as an answer shows it: every text inside a secret field is masked. */
export function maskConfig({ secrets }: Channel, config: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, secrets.includes(key) ? maskDeep(value) : value]),
  )
}

/** Puts stored secrets back where a change sends them masked, as somebody does who read, edited and wrote back. */
export function unmaskConfig({ secrets }: Channel, changed: JsonObject, stored: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(changed).map(([key, value]) => [
      key,
      secrets.includes(key) ? unmaskDeep(value, stored[key]) : value,
    ]),
  )
}

/** Every text that must not be seen of a destination, to be taken out of what a receiver answered. */
export function secretValues(
  channel: Channel,
  { config, keys }: { config: JsonObject; keys: SigningKeys },
): string[] {
  const values = secretTexts(splitConfig(channel, config).secret).flatMap((text) => [
    text,
    ...text.split(/\s+/).filter((word) => word.length >= 8), // the token of `Bearer <token>`
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

/** A secret field is a text, or an object of header values, of which some are ordinary words. */
function secretTexts(fields: JsonObject): string[] {
  return Object.values(fields).flatMap((value) => {
    if (typeof value === 'string') return [value]
    if (!isJsonObject(value)) return []
    return Object.entries(value).flatMap(([name, text]) =>
      typeof text === 'string' && isSecretHeader(name, text) ? [text] : [],
    )
  })
}

/** The parts of a secret URL that are secret by themselves: its password, its path and the end of it, its query. */
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

/** What is not well encoded stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
