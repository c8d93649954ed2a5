import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createEgress, type EgressRules, type Refused } from '../../src/egress/egress.ts'
import { dial } from '../../src/egress/dial.ts'
import { channelNames } from '../../src/channels/index.ts'
import { email } from '../../src/channels/email/email.ts'
import { webhook } from '../../src/channels/webhook.ts'
import type { JsonObject } from '../../src/domain/event.ts'
import type { Outcome } from '../../src/domain/delivery/outcome.ts'
import { startNameServer } from '../support/servers/name-server.ts'
import { startReceiver, status } from '../support/servers/receiver.ts'
import { startRawServer } from '../support/servers/raw-server.ts'
import { serviceChannels, serviceConfig } from '../support/channel-configs.ts'
import { untilTestEnds } from '../support/stack.ts'
import { send } from '../channels/contract.ts'

/** Public as the guard sees it, and of a part of IPv6 that nobody has: a connection to it comes to nothing. */
const publicAddress = '2e00::53'
const noPublicAddress = { kind: 'failed', errorClass: 'dns', error: 'DNS: the host has no public address' }

/** Every channel, sending to a name of the zone at the port of the internal listener. */
const senders: [name: string, sendTo: (host: string, port: number, egress: Guard) => Promise<Outcome>][] = [
  ['webhook', (host, port, egress) => attempt(webhook, { url: `http://${host}:${port}/` }, egress)],
  ...serviceChannels.map((channel): (typeof senders)[number] => [
    channel.name,
    (host, port, egress) =>
      attempt(channel, serviceConfig(channel, `http://${host}:${port}/`).config, egress),
  ]),
  [
    'email',
    (host, port, egress) =>
      attempt(
        email,
        { to: ['a@example.com'], from: 'b@example.com', smtpUrl: `smtp://me:secret@${host}:${port}` },
        egress,
      ),
  ],
]
type Guard = ReturnType<typeof createEgress>

function attempt(channel: typeof webhook, config: JsonObject, egress: Guard) {
  return send({
    channel,
    config,
    event: { environment: 'production' },
    timeoutMs: 1_000,
    context: { egress },
  })
}

/** An internal service on loopback, and a guard in front of it that asks a name server of the zone's owner. */
async function start(zone: Parameters<typeof startNameServer>[0], rules: Partial<EgressRules> = {}) {
  const internal = untilTestEnds(await startRawServer((socket) => void socket.destroy()))
  const names = untilTestEnds(await startNameServer(zone))
  const refused: Refused[] = []
  const egress = createEgress({
    allow: [],
    sandboxLoopback: false,
    ports: [[1, 65_535]],
    serviceHosts: Object.fromEntries(channelNames.map((name) => [name, Object.keys(zone)])),
    lookUp: (host) => names.lookUp(host),
    report: (what) => void refused.push(what),
    ...rules,
  })
  untilTestEnds({ stop: () => egress.close() })
  return { internal, names, egress, refused }
}

describe.each(senders)('%s to a name', (_name, sendTo) => {
  it('that is public at the first look-up and loopback at the second: one look-up an attempt, and none goes inside', async () => {
    const { internal, names, egress, refused } = await start({
      'rebind.example': [[publicAddress], ['127.0.0.1', '::1']],
    })
    const first = await sendTo('rebind.example', internal.port, egress)
    expect(first).toMatchObject({
      kind: 'failed',
      errorClass: expect.stringMatching(/^(connection|timeout)$/) as string,
    })
    expect(names.lookUps('rebind.example')).toBe(1)
    expect(refused).toEqual([])
    expect(await sendTo('rebind.example', internal.port, egress)).toMatchObject(noPublicAddress)
    expect(names.lookUps('rebind.example')).toBe(2)
    expect(internal.connections).toBe(0)
  })

  it('that does not exist, or leads inside, wholly or in part: told in the same words', async () => {
    const inside = {
      'loopback.example': [['127.0.0.1']],
      'private.example': [['10.0.0.1', 'fd00::1']],
      'metadata.example': [['169.254.169.254']],
      'mixed.example': [[publicAddress, '127.0.0.1']],
      'mixed-other-way.example': [['1.1.1.1', '::1']],
      'mapped.example': [['::ffff:127.0.0.1']],
      'nat64.example': [['64:ff9b::7f00:1']],
      'empty.example': [[]],
      'nowhere.example': [undefined],
    }
    const { internal, egress, refused } = await start(inside)
    const said = await Promise.all(Object.keys(inside).map((host) => sendTo(host, internal.port, egress)))
    expect(said.map(({ requestHeaders: _headers, ...outcome }) => outcome)).toEqual(
      said.map(() => noPublicAddress),
    )
    expect(internal.connections).toBe(0)
    // The operator may know more.
    expect(refused).toContainEqual({
      refusal: 'name',
      host: 'private.example',
      environment: 'production',
      addresses: ['fd00::1', '10.0.0.1'],
    })
  })

  it('that leads inside is reached where the operator has opened the address, or the name', async () => {
    for (const allow of [['127.0.0.0/8'], ['inside.example']]) {
      const { internal, egress } = await start({ 'inside.example': [['127.0.0.1']] }, { allow })
      expect(await sendTo('inside.example', internal.port, egress)).toMatchObject({
        errorClass: 'connection',
      })
      expect(internal.connections).toBe(1)
    }
  })
})

it('a redirect to loopback is not followed: neither from a webhook nor from another service', async () => {
  const internal = untilTestEnds(await startRawServer((socket) => void socket.destroy()))
  for (const code of [301, 302, 303, 307, 308]) {
    const location = `http://127.0.0.1:${internal.port}/latest/meta-data`
    const receiver = untilTestEnds(await startReceiver(status(code, { location })))
    for (const [channel, config] of [
      [webhook, { url: receiver.url }],
      ...serviceChannels.map((one) => [one, serviceConfig(one, receiver.url).config] as const),
    ] as const) {
      expect(await send({ channel, config })).toMatchObject({
        error: `HTTP ${code}: redirects are not followed`,
      })
    }
    expect(receiver.received).toHaveLength(1 + serviceChannels.length)
  }
  expect(internal.connections).toBe(0)
})

it('a connection that ended up elsewhere than it was let to is cut before anything is sent', async () => {
  const received: Buffer[] = []
  const server = createServer((socket) => void socket.on('data', (chunk) => received.push(chunk)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  untilTestEnds({ stop: () => new Promise((resolve) => server.close(resolve)) })
  const { port } = server.address() as AddressInfo
  const egress = createEgress({
    allow: [],
    sandboxLoopback: false,
    ports: [[1, 65_535]],
    lookUp: () => Promise.resolve([{ address: publicAddress, family: 6 }]),
    // It goes elsewhere than it is told, which ours does not.
    dial: (_addresses, at, signal) => dial([{ address: '127.0.0.1', family: 4 }], at, signal),
  })
  untilTestEnds({ stop: () => egress.close() })
  for (const [, sendTo] of senders) {
    const outcome = await sendTo('hooks.slack.com', port, egress)
    expect(outcome).toMatchObject({ kind: 'failed', errorClass: 'blocked' })
  }
  expect(received).toEqual([])
})
