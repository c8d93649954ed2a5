import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import { configFor, serviceUrl } from '../support/channel-configs.ts'
import { channelNames, channels, findChannel } from '../../src/channels/index.ts'

it.each(channelNames)('%s has a test file that calls the channel contract suite', async (name) => {
  const files = await readdir(import.meta.dirname, { recursive: true })
  const file = files.find((path) => basename(path) === `${name}.test.ts`)
  const source = await readFile(join(import.meta.dirname, file ?? ''), 'utf8')
  expect(source).toMatch(new RegExp(`^channelContract(<\\w+>)?\\('${name}', \\{$`, 'm'))
})

it.each(channels)('$name names its secrets among the fields of its config', ({ config, secrets }) => {
  expect(Object.keys(config.shape)).toEqual(expect.arrayContaining([...secrets]))
})

it.each(channels)('$name takes a config that the tests can make', (channel) => {
  expect(channel.config.safeParse(configFor(channel, serviceUrl(channel))).error).toBeUndefined()
})

it('finds a channel by its name, and none by a name that is not there', () => {
  expect(new Set(channelNames).size).toBe(channels.length)
  expect(channels.map(({ name }) => findChannel(name))).toEqual(channels)
  expect(findChannel('carrier-pigeon')).toBeUndefined()
})
