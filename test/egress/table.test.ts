import { once } from 'node:events'
import http from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createEgress } from '../../src/egress/egress.ts'
import { email } from '../../src/channels/email/email.ts'
import { webhook } from '../../src/channels/webhook.ts'
import { serviceChannels, serviceConfig } from '../support/channel-configs.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { makeTenant, ofFile } from '../support/stack.ts'
import { send } from '../channels/contract.ts'
import { hostileUrls, loopbackHosts, otherHosts, publicHosts } from '../channels/hostile.ts'

const hosts = [...loopbackHosts, ...otherHosts]
const stack = sharedStack({ workers: false })
const tenant = ofFile(async () => ({
  ...(await makeTenant(stack, 'production')),
  stop: () => Promise.resolve(),
}))

/** What must not be reached: it listens at every address of this machine, loopback included, in both families. */
const internal = ofFile(async () => {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  })
  await new Promise<void>((resolve) => {
    // Without IPv6 there is the other family to listen in.
    server.once('error', () => server.listen(0, '0.0.0.0', resolve))
    server.listen(0, '::', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
})
const guard = createEgress({ allow: [], sandboxLoopback: false })
const production = { event: { environment: 'production' as const }, context: { egress: guard } }
const blocked = { kind: 'failed', errorClass: 'blocked' }

const destination = (channel: string, config: object) => ({
  name: 'Hostile',
  channel,
  config,
  subscription: { eventTypes: ['all'] },
})

async function refused(body: object): Promise<string[]> {
  const answer = await tenant.api.post('/destinations', body).expect(422)
  return (answer.body as { errors: { path: string }[] }).errors.map(({ path }) => path)
}

it('the table has at least 150 different entries', () => {
  const all = [...hosts, ...hostileUrls]
  expect(new Set(all).size).toBe(all.length)
  expect(all.length).toBeGreaterThanOrEqual(150)
})

describe('no destination can be configured at', () => {
  it.each(hosts)('https://%s/', async (host) => {
    expect(await refused(destination('webhook', { url: `https://${host}/` }))).toEqual(['config.url'])
  })

  it.each(hostileUrls.map((url) => [url.slice(0, 100), url]))('%j', async (_shown, url) => {
    expect(await refused(destination('webhook', { url }))).toEqual(['config.url'])
  })

  describe.each(serviceChannels)('$name:', (channel) => {
    it.each(hosts)('https://%s/', async (host) => {
      const { config, field } = serviceConfig(channel, `https://${host}/services/x`)
      expect(await refused(destination(channel.name, config))).toEqual([`config.${field}`])
    })
  })

  it.each(hosts)('smtp://%s/ as a mail server', async (host) => {
    const config = { to: ['a@example.com'], from: 'b@example.com', smtpUrl: `smtp://${host}:587` }
    expect(await refused(destination('email', config))).toEqual(['config.smtpUrl'])
  })

  it.each([
    'smtp://hooks.example.com:443',
    'smtp://hooks.example.com:6379',
    'smtps://hooks.example.com:8443',
  ])('%s: no port of mail', async (smtpUrl) => {
    const config = { to: ['a@example.com'], from: 'b@example.com', smtpUrl }
    expect(await refused(destination('email', config))).toEqual(['config.smtpUrl'])
  })
})

describe('should one be configured all the same, no attempt reaches', () => {
  it.each(hosts)('%s by a webhook', async (host) => {
    const config = { url: `http://${host}:${internal.port}/` }
    expect(await send({ channel: webhook, config, ...production })).toMatchObject(blocked)
    expect(internal.connections()).toBe(0)
  })

  describe.each(serviceChannels)('$name:', (channel) => {
    it.each(hosts)('%s', async (host) => {
      const { config } = serviceConfig(channel, `http://${host}:${internal.port}/`)
      expect(await send({ channel, config, ...production })).toMatchObject(blocked)
      expect(internal.connections()).toBe(0)
    })
  })

  it.each(hosts)('%s by mail', async (host) => {
    const config = {
      to: ['a@example.com'],
      from: 'b@example.com',
      smtpUrl: `smtp://me:secret@${host}:${internal.port}`,
    }
    expect(await send({ channel: email, config, ...production })).toMatchObject(blocked)
    expect(internal.connections()).toBe(0)
  })

  it.each(hosts)('%s by the agent alone, which asks nobody before it', async (host) => {
    const agent = guard.agent('http:', 'production', 'reuse')
    const request = http.request(`http://${host}:${internal.port}/`, { agent, method: 'POST' })
    request.end('x')
    await expect(once(request, 'response')).rejects.toMatchObject({ errorClass: 'blocked' })
    expect(internal.connections()).toBe(0)
  })
})

it.each(publicHosts)('https://%s/ can be configured', async (host) => {
  const answer = await tenant.api.post('/destinations', destination('webhook', { url: `https://${host}/` }))
  expect([answer.status, answer.body]).toEqual([201, expect.anything()])
})

it('the internal listener does listen: the sandbox reaches it where loopback is open', async () => {
  const egress = createEgress({ allow: [], sandboxLoopback: true })
  const config = { url: `http://127.0.0.1:${internal.port}/` }
  const before = internal.connections()
  await send({ channel: webhook, config, context: { egress } })
  expect(internal.connections()).toBe(before + 1)
  await egress.close()
})
