import { beforeAll, describe, expect, it } from 'vitest'
import { makePrivateKey, makeSecret } from '../../src/domain/crypto/signing-keys.ts'
import { wireFormatNames, wireFormats } from '../../src/domain/wire-formats/index.ts'
import { makeEvent } from '../support/event.ts'
import { startReceiver, type Receiver } from '../support/servers/receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { makeTenant, settledLog, untilTestEnds, type Api } from '../support/stack.ts'

const stack = sharedStack()
let api: Api
beforeAll(async () => {
  api = (await makeTenant(stack)).api
})

interface Destination {
  id: string
  config: { headers?: Record<string, string> }
}
interface Tested {
  eventId: string
  delivery: { attempts: { responseExcerpt?: string }[] }
}

const given = (config: object) => ({
  name: 'Case system',
  channel: 'webhook',
  config: { url: 'https://example.com/hook', wireFormat: 'smart-kyc', ...config },
  subscription: { eventTypes: ['all'] },
})

const create = async (client: Api, config: object) =>
  (await client.post('/destinations', given(config)).expect(201)).body as Destination

async function refusedPaths(config: object): Promise<string[]> {
  const { body } = await api.post('/destinations', given(config)).expect(422)
  return (body as { errors: { path: string }[] }).errors.map(({ path }) => path)
}

describe('a name that a custom header may not have: 422', () => {
  it.each([
    'Host', 'Connection', 'Keep-Alive', 'Proxy-Authorization', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade',
    'Content-Length', 'Content-Type', 'Content-Encoding', 'User-Agent', 'X-SmartKYC-Signature',
    'X-Webhook-Signature', 'X-Webhook-ID', 'webhook-id', 'ce-id', 'Switchyard-Test', 'Expect', 'Date',
  ])('%s, in whatever case', async (name) => {
    for (const spelled of [name, name.toLowerCase(), name.toUpperCase()])
      expect(await refusedPaths({ headers: { [spelled]: 'mine' } })).toEqual([`config.headers.${spelled}`])
  }) // prettier-ignore

  it('the same one twice in different case', async () => {
    expect(await refusedPaths({ headers: { 'X-Api-Key': 'one', 'X-API-Key': 'two' } })).toEqual([
      'config.headers',
    ])
  })

  it.each(['X Y', 'X:Y', 'X\r\nY'])('%j', async (name) => {
    expect(await refusedPaths({ headers: { [name]: 'mine' } })).toEqual([`config.headers.${name}`])
  })

  it.each(wireFormats.map((format) => [format.name, format] as const))(
    'every one that the wire format %s sets, under every wire format',
    async (_name, format) => {
      const { headers } = format.render({
        event: makeEvent(),
        destination: { id: 'dst_1', eventTypes: ['all'] },
        attempt: 1,
        sentAt: new Date(),
        keys: { secrets: [makeSecret()], privateKeys: [makePrivateKey()] },
        options: { signatures: ['v1', 'v1a'] },
      })
      const names = Object.keys(headers)
      expect(names.some((name) => /signature/i.test(name))).toBe(true)
      for (const wireFormat of wireFormatNames) {
        for (const name of names) {
          const paths = await refusedPaths({ wireFormat, headers: { [name]: 'mine' } })
          expect(paths).toEqual([`config.headers.${name}`])
        }
      }
    },
  )

  it('in a change too, and nothing changes', async () => {
    const { id } = await create(api, { headers: { 'X-Team': 'aml-team-token' } })
    const before: unknown = (await api.get(`/destinations/${id}`).expect(200)).body
    const headers = { 'X-Team': 'another-token', 'X-SmartKYC-Signature': 'mine' }
    const answer = await api.patch(`/destinations/${id}`, { config: { headers } }).expect(422)
    expect(answer.body).toMatchObject({ errors: [{ path: 'config.headers.X-SmartKYC-Signature' }] })
    expect((await api.get(`/destinations/${id}`).expect(200)).body).toEqual(before)
  })
})

describe('custom headers', () => {
  const secrets = {
    Authorization: 'Bearer receiver-token-4f0c9f7e21aa',
    'X-API-Key': 'key-of-the-receiver-7d1b',
    'X-Routing': 'eu-central-case-system',
  }
  const words = [...Object.values(secrets), 'receiver-token-4f0c9f7e21aa']
  const echoing = async (): Promise<Receiver> =>
    untilTestEnds(
      await startReceiver((response, { headers }) => response.writeHead(200).end(JSON.stringify(headers))),
    )

  it.each(wireFormatNames)('arrive with a message in the wire format %s', async (wireFormat) => {
    const { api: client } = await makeTenant(stack)
    const receiver = await echoing()
    await create(client, { url: receiver.url, wireFormat, headers: secrets })
    const { body } = await client.post('/events', { type: 'aml.match.found', data: {} }).expect(202)
    await settledLog(client, (body as { id: string }).id)
    expect(receiver.received).toHaveLength(1)
    expect(receiver.received[0]?.headers).toMatchObject({
      authorization: secrets.Authorization,
      'x-api-key': secrets['X-API-Key'],
      'x-routing': secrets['X-Routing'],
    })
  })

  it('are masked in every answer and sent on unchanged when they come back masked', async () => {
    const { api: client } = await makeTenant(stack)
    const receiver = await echoing()
    const made = await create(client, { url: receiver.url, headers: secrets })
    expect(made.config.headers).toEqual({
      Authorization: '****21aa',
      'X-API-Key': '****7d1b',
      'X-Routing': '****stem',
    })
    const path = `/destinations/${made.id}`
    const shown = [
      made,
      (await client.get(path).expect(200)).body,
      (await client.get('/destinations').expect(200)).body,
      (await client.patch(path, { config: { headers: made.config.headers } }).expect(200)).body,
      (await client.post(`${path}/pause`).expect(200)).body,
      (await client.post(`${path}/resume`).expect(200)).body,
    ]
    expect(words.filter((word) => JSON.stringify(shown).includes(word))).toEqual([])
    await client.post(`${path}/test`, { eventType: 'aml.match.found' }).expect(200)
    expect(receiver.received[0]?.headers.authorization).toBe(secrets.Authorization)
  })

  it('are taken out of what a receiver echoes, in the event’s log and in a test’s answer, except ordinary words', async () => {
    const { api: client, apiSecret = '' } = await makeTenant(stack)
    const receiver = await echoing()
    const { id } = await create(client, { url: receiver.url, headers: secrets })
    const posted = await client.post('/events', { type: 'aml.match.found', data: {} }).expect(202)
    const { id: eventId } = posted.body as { id: string }
    await settledLog(client, eventId)
    const log: unknown = (await client.get(`/events/${eventId}`).expect(200)).body
    const tested = (await client.post(`/destinations/${id}/test`).expect(200)).body as Tested
    const testLog: unknown = (await client.get(`/events/${tested.eventId}`).expect(200)).body
    expect(apiSecret).toMatch(/^apisec_/)
    for (const answer of [log, tested, testLog]) {
      const text = JSON.stringify(answer)
      expect(text).toContain('\\"authorization\\":\\"[redacted]\\"')
      expect([...words, apiSecret].filter((word) => text.includes(word))).toEqual([secrets['X-Routing']])
    }
    expect(receiver.received).toHaveLength(2)
    for (const { headers } of receiver.received) expect(headers.authorization).toBe(secrets.Authorization)
  })

  it('may be taken away, one or all', async () => {
    const { api: client } = await makeTenant(stack)
    const receiver = await echoing()
    const { id } = await create(client, { url: receiver.url, headers: secrets })
    const test = () => client.post(`/destinations/${id}/test`).expect(200)
    await client.patch(`/destinations/${id}`, { config: { headers: { 'X-Routing': 'us-east' } } }).expect(200)
    await test()
    await client.patch(`/destinations/${id}`, { config: { headers: null } }).expect(200)
    await test()
    const [one, none] = receiver.received.map(({ headers }) => headers)
    expect(one).toMatchObject({ 'x-routing': 'us-east' })
    expect(one).not.toHaveProperty('authorization')
    expect(none).not.toHaveProperty('x-routing')
  })
})
