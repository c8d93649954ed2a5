import { randomBytes } from 'node:crypto'
import pMap from 'p-map'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Environment } from '../../src/domain/event.ts'
import { everyRoute, type Call } from '../support/routes/every-route.ts'
import { keyless } from '../support/routes/keyless-routes.ts'
import { mountedRoutes } from '../support/routes/mounted-routes.ts'
import { bodiesNaming, namingOthers, oneOfEach, queriesNaming } from '../support/routes/naming-ids.ts'
import { startReceiver } from '../support/servers/receiver.ts'
import { isPlatforms, routeTable } from '../support/routes/route-table.ts'
import { startSender } from '../support/sender.ts'
import { startSmtpReceiver } from '../support/servers/smtp-receiver.ts'
import { adminKey, apiAt, makeKey, makeTenant, ofFile, startStack } from '../support/stack.ts'
import type { World } from '../support/things.ts'
import {
  aboutNothing,
  attempt,
  comparable,
  tracesOf,
  unlike,
  type Trespasser,
} from '../support/routes/trespass.ts'
import {
  callsOf,
  idsIn,
  makeVictim,
  settledSnapshot,
  type Snapshot,
  type Victim,
} from '../support/routes/victim.ts'

const mail = ofFile(() => startSmtpReceiver())
const stack = ofFile(() =>
  startStack({
    egressAllow: ['127.0.0.0/8', 'localhost'],
    // With them there is a codec server.
    payloadKeys: [{ id: 'test', key: randomBytes(32) }],
    mail: { smtpUrl: `smtp://127.0.0.1:${mail.port}`, from: 'switchyard@example.com' },
  }),
)
const sender = ofFile(() => startSender(stack.app))

const concurrency = 8
/** For many calls at once, where other tests run beside them. */
vi.setConfig({ testTimeout: 120_000 })
const names = Object.keys(everyRoute)
const tenantRoutes = routeTable.filter(({ name }) => !isPlatforms(name))

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

describe('the walk', () => {
  it('covers every route that the app mounts: a new one needs a line in every-route.ts or keyless-routes.ts', () => {
    const covered = [...names, ...Object.keys(keyless)]
    expect(mountedRoutes(stack.app).filter((name) => !covered.includes(name))).toEqual([])
  })

  it('names no route that there is not', () => {
    const mounted = mountedRoutes(stack.app)
    expect([...names, ...Object.keys(keyless)].filter((name) => !mounted.includes(name))).toEqual([])
    expect(routeTable.map(({ name }) => name).filter((name) => !names.includes(name))).toEqual([])
  })
})

interface Reached {
  victim: Victim
  before: Snapshot
  ids: string[]
  others: Trespassers
}

const environments = ['sandbox', 'production'] as const
const receivers = new Map(
  environments.map((name) => [name, ofFile(() => startReceiver(undefined, { tls: true }))]),
)
const othersReceiver = ofFile(() => startReceiver(undefined, { tls: true }))
const reached = new Map<Environment, Reached>()

/** Both at once: much of it is waiting. */
beforeAll(async () => {
  await pMap(environments, async (environment) => reached.set(environment, await prepare(environment)))
  for (const receiver of receivers.values()) receiver.received.length = 0
  mail.mails.length = 0
}, 180_000)

async function prepare(environment: Environment): Promise<Reached> {
  const tenant = await makeTenant(stack, environment)
  // The numbers of its tests are none that others have as well.
  await stack.db.tenant.update({ where: { id: tenant.id }, data: { lastTestLog: 7000 } })
  const mark = `A-${environment.toUpperCase()}-CANARY`
  const receiverUrl = receivers.get(environment)?.url ?? ''
  const victim = await makeVictim(worldOf({ ...tenant, environment, mark, receiverUrl }))
  const others = await makeTrespassers(victim)
  const before = await settledSnapshot({ stack, sender }, victim)
  const ids = [...idsIn(before), victim.key].filter((id) => id !== victim.tenantId)
  return { victim, before, ids, others }
}

interface Given extends Pick<World, 'environment' | 'mark' | 'receiverUrl'> {
  id: string
  key: string
}

function worldOf({ id: tenantId, key, ...given }: Given) {
  const [api, platform] = [apiAt(sender.origin, key), apiAt(sender.origin, adminKey)]
  return { tenantId, key, api, platform, ...given }
}

describe.each(environments)('a tenant’s things in %s', (environment) => {
  let victim: Victim
  let before: Snapshot
  let ids: string[]
  let others: Trespassers

  beforeAll(() => {
    const found = reached.get(environment)
    if (!found) throw new Error(`nothing was prepared in ${environment}`)
    ;({ victim, before, ids, others } = found)
  })

  /** Makes every call as each of them, and answers with what is wrong. */
  async function walk(
    who: readonly Trespasser[],
    routes: readonly string[],
    isRight: (status: number, call: Call) => boolean,
  ): Promise<string[]> {
    const calls = routes.flatMap((name) => who.map((trespasser) => ({ name, trespasser })))
    const wrong = await pMap(
      calls,
      ({ name, trespasser }) => tryOut(name, victim.calls.get(name) ?? {}, trespasser, isRight),
      { concurrency },
    )
    return wrong.flat()
  }

  async function tryOut(
    name: string,
    call: Call,
    trespasser: Trespasser,
    isRight: (status: number, call: Call) => boolean,
  ): Promise<string[]> {
    const attempted = await attempt(sender, name, call, trespasser, victim)
    const traces = tracesOf(victim, ids, attempted)
    const { status, text } = attempted.answer
    if (traces.length === 0 && isRight(status, call)) return []
    return [`${name} with ${trespasser.who}: ${status} ${traces.join()} ${text.slice(0, 300)}`]
  }

  it('stand in the answers to its own key, so that they would be found in others’', () => {
    expect(Object.values(before).filter((text) => text.includes(victim.mark)).length).toBeGreaterThan(20)
    expect(ids.length).toBeGreaterThan(50)
  })

  it('are not there for keys of another tenant, or of its own other environment', async () => {
    const tenants = names.filter((name) => !isPlatforms(name))
    const isRight = (status: number, { params = {} }: Call) =>
      Object.keys(params).length > 0 ? status === 404 : status < 500
    expect(await walk(others.foreign, tenants, isRight)).toEqual([])
  })

  it('are not reached with a key that is revoked, expired, made up or missing', async () => {
    // Who tries keys out is held back after a while: 429.
    expect(await walk(others.refused, names, (status) => status === 401 || status === 429)).toEqual([])
  })

  it('are not reached with the other kind of key', async () => {
    const platforms = names.filter(isPlatforms)
    const tenants = names.filter((name) => !isPlatforms(name))
    expect(await walk([others.own, ...others.foreign], platforms, (status) => status === 403)).toEqual([])
    expect(await walk([others.platform], tenants, (status) => status === 403)).toEqual([])
  })

  it('are not told apart from what never was', async () => {
    const told = await pMap(
      names.filter((name) => name.includes(':') && !isPlatforms(name)),
      async (name) => {
        const call = victim.calls.get(name) ?? {}
        const nothing = aboutNothing(call)
        const asked = [call, nothing].flatMap(({ params = {} }) => Object.values(params))
        const differ = await pMap(others.foreign, async (trespasser) => {
          const [real, made] = await Promise.all(
            [call, nothing].map((one) => attempt(sender, name, one, trespasser, victim)),
          )
          return comparable(real!.answer, asked) === comparable(made!.answer, asked) ? [] : [real, made]
        })
        return differ.flat()
      },
      { concurrency },
    )
    expect(told.flat()).toEqual([])
  })

  it('are not reached by their ids in a query', async () => {
    const kinds = oneOfEach(ids)
    const calls = tenantRoutes.flatMap(({ name, route }) =>
      queriesNaming(route, kinds).map((query) => ({ name, query })),
    )
    const differ = await pMap(
      calls,
      async ({ name, query }) => {
        const { params = {} } = others.ownCalls.get(name) ?? {}
        const [id = ''] = Object.values(query)
        const nothing = Object.fromEntries(Object.keys(query).map((field) => [field, unlike(id)]))
        const [real, made] = await Promise.all(
          [query, nothing].map((asked) =>
            attempt(sender, name, { params, query: asked }, others.other, victim),
          ),
        )
        const traces = real ? tracesOf(victim, ids, real) : ['no answer']
        const same = real && made && comparable(real.answer, [id]) === comparable(made.answer, [unlike(id)])
        return same && traces.length === 0 ? [] : [{ real, made, traces }]
      },
      { concurrency },
    )
    expect(calls.length).toBeGreaterThan(20)
    expect(differ.flat()).toEqual([])
  })

  it('are not reached by their ids in a body', async () => {
    const kinds = oneOfEach(ids)
    const calls = tenantRoutes.flatMap(({ name, route }) =>
      bodiesNaming(route, kinds, othersReceiver.url, 8).map((body) => ({ name, body })),
    )
    const wrong = await pMap(
      calls,
      ({ name, body }) => {
        const { params = {} } = others.ownCalls.get(name) ?? {}
        return tryOut(name, { params, body }, others.other, (status) => status < 500)
      },
      { concurrency },
    )
    expect(calls.length).toBeGreaterThan(100)
    expect(wrong.flat()).toEqual([])
  })

  it.each(namingOthers)('are not to be named by others: %s', async (name, bodyOf) => {
    const [destination = '', template = ''] = ['dst_', 'tpl_'].map((prefix) =>
      ids.find((id) => id.startsWith(prefix)),
    )
    const { params = {} } = others.ownCalls.get(name) ?? {}
    const [real, made] = await Promise.all(
      [(id: string) => id, unlike].map((named) =>
        attempt(
          sender,
          name,
          { params, body: bodyOf(named(destination), named(template)) },
          others.other,
          victim,
        ),
      ),
    )
    expect(real?.answer.status).toBe(422)
    expect(comparable(real!.answer, [destination, template])).toBe(
      comparable(made!.answer, [unlike(destination), unlike(template)]),
    )
  })

  it.each(Object.keys(keyless))('are not told without the right token: %s', async (name) => {
    const { requests, answers } = keyless[name]!
    for (const request of requests(victim, foreignTokens(victim, before))) {
      const answer = await sender.send(request)
      const traces = tracesOf(victim, ids, { request: request.target, answer })
      expect({
        target: request.target,
        traces,
        right: answers(answer.status),
        status: answer.status,
      }).toEqual({ target: request.target, traces: [], right: true, status: answer.status })
    }
  })

  it('are as they were, and nobody was told of anything', async () => {
    expect(await settledSnapshot({ stack, sender }, victim)).toEqual(before)
    expect(receivers.get(environment)?.received).toEqual([])
    const written = mail.mails.filter(({ headerLines }) => JSON.stringify(headerLines).includes(victim.mark))
    expect(written).toEqual([])
  })
})

/** Tokens that are whole but not signed for what they name, and some that are nothing of the kind. */
function foreignTokens({ tenantId, environment, key }: Victim, snapshot: Snapshot): string[] {
  const [eventId = '', destinationId = ''] = ['evt', 'dst'].map((prefix) =>
    idsIn(snapshot).find((id) => id.startsWith(prefix)),
  )
  const event = { id: eventId, tenantId, environment }
  const path = (link: string) => new URL(link).pathname.split('/').slice(2).join('/')
  const good = path(stack.acknowledgeLink({ event, destinationId }))
  const anothers = path(stack.acknowledgeLink({ event: { ...event, tenantId: 'ten_b' }, destinationId }))
  const names = [tenantId, environment, eventId, destinationId].join('.')
  return [
    anothers.replace('ten_b', tenantId),
    good.replace(`.${environment}.`, environment === 'sandbox' ? '.production.' : '.sandbox.'),
    good.replace(/^1\./, '0.'),
    `1.${'A'.repeat(43)}.${names}`,
    names,
    destinationId,
    key,
  ]
}

interface Trespassers {
  /** With keys that are in force, for something else. */
  foreign: Trespasser[]
  refused: Trespasser[]
  platform: Trespasser
  own: Trespasser
  /** One of the foreign ones, with calls about things of its own. */
  other: Trespasser
  ownCalls: ReadonlyMap<string, Call>
}

async function makeTrespassers({ tenantId, environment }: Victim): Promise<Trespassers> {
  const otherEnvironment = environment === 'sandbox' ? 'production' : 'sandbox'
  const another = await makeTenant(stack, environment)
  const [elsewhere, anotherElsewhere, revoked, expired] = await Promise.all([
    makeKey(stack, tenantId, otherEnvironment),
    makeKey(stack, another.id, otherEnvironment),
    makeKey(stack, tenantId, environment),
    makeKey(stack, tenantId, environment),
  ])
  const past = { expiresAt: new Date(Date.now() - 1000) }
  await stack.db.apiKey.update({ where: { id: expired.keyId }, data: past })
  await apiAt(sender.origin, adminKey).delete(`/tenants/${tenantId}/keys/${revoked.keyId}`).expect(204)
  const own = { mark: 'B-OWN', receiverUrl: othersReceiver.url }
  const otherWorld = worldOf({ ...another, environment, ...own })
  const ownCalls = await callsOf(
    otherWorld,
    tenantRoutes.map(({ name }) => name),
  )
  const of = (who: string, key: string): Trespasser => ({ who, headers: bearer(key), ...own })
  return {
    foreign: [
      of('another tenant’s key', another.key),
      of('another tenant’s key of the other environment', anotherElsewhere.key),
      of('its own tenant’s key of the other environment', elsewhere.key),
    ],
    refused: [
      of('a revoked key', revoked.key),
      of('an expired key', expired.key),
      of('a key that is made up', `sk_test_${'x'.repeat(43)}`),
      { who: 'no key', headers: {}, ...own },
    ],
    platform: of('the platform key', adminKey),
    own: of('a tenant’s own key', elsewhere.key),
    other: of('another tenant’s key', another.key),
    ownCalls,
  }
}
