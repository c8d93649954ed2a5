import { beforeAll, describe, expect, it } from 'vitest'
import {
  addDestination,
  arrivals,
  endedReplay,
  postEvent,
  startReplay,
} from '../../support/workflows/replays.ts'
import { ok, startReceiver } from '../../support/servers/receiver.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { eventually, makeTenant, settledLog, untilTestEnds, type Api } from '../../support/stack.ts'

const stack = sharedStack()

/** What arrives of a replay, by what is asked: the events 1 to 3 are in its window, 0 and 4 are not. */
const filters: [asked: { to?: 'A' | 'B' | 'C'; status?: string; type?: string }, arrives: string[]][] = [
  [{}, ['1>A', '2>A', '3>A']],
  [{ type: 'aml.match.found' }, ['1>A']],
  [{ type: 'aml.*' }, ['1>A', '2>A']],
  [{ type: 'other.*' }, []],
  [{ to: 'A' }, ['1>A', '2>A', '3>A']],
  [{ to: 'A', type: 'kyc*' }, ['3>A']],
  [{ to: 'B' }, []],
  [{ to: 'C' }, []],
  [{ to: 'A', status: 'missed' }, []],
  [{ to: 'C', status: 'missed' }, ['1>C', '2>C', '3>C']],
  [{ to: 'C', status: 'missed', type: 'aml.match.cleared' }, ['2>C']],
  [{ to: 'A', status: 'undelivered' }, ['1>A', '2>A', '3>A']],
  [{ to: 'C', status: 'undelivered' }, ['1>C', '2>C', '3>C']],
  [{ status: 'all' }, ['1>A', '1>B', '2>A', '2>B', '3>A', '3>B']],
  [{ to: 'B', status: 'all' }, ['1>B', '2>B', '3>B']],
  [{ to: 'C', status: 'all' }, ['1>C', '2>C', '3>C']],
]

it('every filter chooses exactly the events that it names', { timeout: 120_000 }, async () => {
  const chosen = await Promise.all(filters.map(([asked]) => replayBy(asked)))
  expect(filters.map(([asked], index) => [asked, chosen[index]])).toEqual(filters)
})

/** Events that A fails, B takes and C misses as it is paused; then A is mended and C resumed. Answers with what arrives. */
async function replayBy({ to, ...asked }: (typeof filters)[number][0]): Promise<string[]> {
  const { api } = await makeTenant(stack)
  const receiver = untilTestEnds(
    await startReceiver((response, { path }) => void response.writeHead(path === '/A' ? 500 : 200).end()),
  )
  const destinations = {
    A: await addDestination(api, `http://127.0.0.1:${receiver.port}/A`),
    B: await addDestination(api, `http://127.0.0.1:${receiver.port}/B`),
    C: await addDestination(api, `http://127.0.0.1:${receiver.port}/C`),
  }
  await api.post(`/destinations/${destinations.C}/pause`).expect(200)
  const types = ['aml.match.found', 'aml.match.found', 'aml.match.cleared', 'kyc.done', 'kyc.done']
  const acceptedAt: string[] = []
  for (const [index, type] of types.entries()) {
    const { createdAt } = await postEvent(api, String(index), type)
    acceptedAt.push(createdAt)
    await eventually(
      () => Promise.resolve(Date.now()),
      (now) => now > Date.parse(createdAt),
    )
    if (index === 1) await api.post(`/destinations/${destinations.A}/test`).expect(200)
  }
  for (const index of types.keys()) await settledLog(api, String(index))
  const before = receiver.received.length
  receiver.answer(ok)
  await api.post(`/destinations/${destinations.C}/resume`).expect(200)
  const [, from = '', , , until = ''] = acceptedAt
  const id = await startReplay(api, {
    from,
    to: until,
    ...asked,
    ...(to && { destination: destinations[to] }),
  })
  const ended = await endedReplay(api, id)
  const arrived = arrivals(receiver, before).map((one) => one.replace('/', ''))
  // Each event once, whatever the number of its destinations.
  expect(ended.started).toBe(new Set(arrived.map((one) => one.split('>')[0])).size)
  expect(ended.found).toBe(ended.started)
  return arrived
}

const longAgo = '2020-01-01T00:00:00Z'

const refused: [body: object, path: string][] = [
  [{}, 'from'],
  [{ from: 'yesterday' }, 'from'],
  [{ from: '2999-01-01T00:00:00Z' }, 'from'],
  [{ from: longAgo, to: longAgo }, 'to'],
  [{ from: longAgo, to: '2019-01-01T00:00:00Z' }, 'to'],
  [{ from: longAgo, to: 'now' }, 'to'],
  [{ from: longAgo, destination: 'nosuch' }, 'destination'],
  [{ from: longAgo, destination: 'dst_nosuch' }, 'destination'],
  [{ from: longAgo, status: 'missed' }, 'destination'],
  [{ from: longAgo, status: 'undelivered' }, 'destination'],
  [{ from: longAgo, status: 'delivered' }, 'status'],
  [{ from: longAgo, type: '*.found' }, 'type'],
  [{ from: longAgo, ratePerSecond: 0 }, 'ratePerSecond'],
  [{ from: longAgo, ratePerSecond: 1001 }, 'ratePerSecond'],
  [{ from: longAgo, source: 'archive' }, 'source'],
  [{ from: longAgo, source: 'elsewhere' }, 'source'],
  [{ from: longAgo, since: longAgo }, 'since'],
]

describe('422', () => {
  let api: Api
  beforeAll(async () => {
    api = (await makeTenant(stack)).api
  })

  it.each(refused)('for %o names %s', async (body, path) => {
    const { body: problem } = await api.post('/replays', body).expect(422)
    expect(problem).toMatchObject({ code: 'invalid_request', errors: [{ path }] })
  })

  it('for a destination of another tenant, and for one that is paused', async () => {
    const other = await makeTenant(stack)
    const destination = await addDestination(other.api, 'http://127.0.0.1:9/hook')
    const asked = { from: longAgo, destination }
    await api.post('/replays', asked).expect(422)
    await other.api.post(`/destinations/${destination}/pause`).expect(200)
    const { body } = await other.api.post('/replays', asked).expect(422)
    expect(body).toMatchObject({ errors: [{ path: 'destination', message: 'is paused; resume it first' }] })
  })
})
