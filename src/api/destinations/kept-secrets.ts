import type { Channel } from '../../channels/channel.ts'
import type { Destination } from '../../db/destinations/destinations.ts'
import { isJsonObject, type Json, type JsonObject } from '../../domain/event.ts'
import { isMask } from '../../domain/redaction/redaction.ts'
import { invalid } from '../errors.ts'

/** Refuses masks in secret fields that have no stored value: they would be sent as they are. */
export function refuseMasks(channel: Channel, config: JsonObject): void {
  refuse(
    secretTexts(channel, config)
      .filter(([, text]) => isMask(text))
      .map(([path]) => path),
    'is masked, but no value is stored; send the value',
  )
}

/**
 * Refuses a new origin for the stored secrets unless the change sets all of them again. A key that may change a destination may not
 * read its secrets, so it may not send them elsewhere either.
 */
export function refuseFollowing(
  channel: Channel,
  current: Pick<Destination, 'config' | 'sealedOrigin'>,
  { config, given }: { config: JsonObject; given: JsonObject },
): void {
  const origin = current.sealedOrigin ?? channel.origin(current.config)
  if (channel.origin(config) === origin) return
  const anew = new Map(secretTexts(channel, given))
  const stored = new Map(secretTexts(channel, current.config))
  refuse(
    secretTexts(channel, config)
      .filter(([path, text]) => stored.get(path) === text && anew.get(path) !== text)
      .map(([path]) => path),
    `was set for ${origin} and is not sent to another origin; send the value again or remove it`,
  )
}

/** Returns the strings in secret fields with their paths, such as `headers.X-Team`. */
function secretTexts({ secrets }: Channel, config: JsonObject): [path: string, text: string][] {
  return secrets.flatMap((field) => texts(config[field], field))
}

function texts(value: Json | undefined, path: string): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]]
  if (!isJsonObject(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => texts(inner, `${path}.${key}`))
}

function refuse(paths: readonly string[], message: string): void {
  if (paths.length > 0) throw invalid(paths.map((path) => ({ path: `config.${path}`, message })))
}
