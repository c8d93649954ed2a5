import { safeParse } from 'zod/v4/core'
import { channels } from '../../src/channels/index.ts'
import type { Channel } from '../../src/channels/channel.ts'
import type { JsonObject } from '../../src/domain/event.ts'

/** The smallest config that a channel takes, with `url` as its target; found by its schema, so that every channel has one. */
export function configFor({ name, config }: Channel, url: string, address = 'ann@example.com'): JsonObject {
  const given = Object.fromEntries(
    Object.entries(config.shape).flatMap(([field, schema]) => {
      const value = [undefined, url, [address]].find((one) => safeParse(schema, one).success)
      return value === undefined ? [] : [[field, value]]
    }),
  )
  if (!config.safeParse(given).success) throw new Error(`no config of ${name} is known to the tests`)
  return given
}

/** The channels whose messages may go only to certain hosts: their target is the URL of somebody's service. */
export const serviceChannels = channels.filter(({ hosts }) => hosts)

/** Such a channel's config, with its one field that is the URL. */
export function serviceConfig(channel: Channel, url: string): { config: JsonObject; field: string } {
  const config = configFor(channel, url)
  const [field = ''] = Object.keys(config)
  return { config, field }
}

/** A URL that a channel takes in production. */
export function serviceUrl({ hosts }: Channel, path = '/services/T000/B000/XXXXXXXX'): string {
  return `https://${hosts?.allowed[0]?.replace('*', 'any') ?? 'example.com'}${path}`
}

/** A template's part for every field of every channel. */
export function partsOf(
  text: (field: { channel: string; field: string; kind: string }) => string,
): Record<string, Record<string, string>> {
  return Object.fromEntries(
    channels.map(({ name, template }) => [
      name,
      Object.fromEntries(
        Object.entries(template).map(([field, { kind }]) => [field, text({ channel: name, field, kind })]),
      ),
    ]),
  )
}
