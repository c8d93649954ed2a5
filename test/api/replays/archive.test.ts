import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ArchivedRun } from '../../../src/archive/archive.ts'
import { createFolderArchive } from '../../../src/archive/folder.ts'
import type { Event } from '../../../src/domain/event.ts'
import { openTimeline, type Delivery, type Timeline } from '../../../src/domain/delivery/timeline.ts'
import { makeEvent } from '../../support/event.ts'
import { addDestination, arrivals, endedReplay, startReplay } from '../../support/workflows/replays.ts'
import { ok, startReceiver } from '../../support/servers/receiver.ts'
import { makeTenant, startStack, untilTestEnds, type Stack } from '../../support/stack.ts'

let root: string
let stack: Stack
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'switchyard-archive-'))
  stack = await startStack({ archive: createFolderArchive(root) })
})
afterAll(async () => {
  await stack.stop()
  await rm(root, { recursive: true, force: true })
})

type Line = Pick<Delivery, 'status'> & {
  event: Partial<Event> & { id: string }
  to?: string
  replayId?: string
  missed?: true
}

/** What an archive holds of a tenant long after Temporal has forgotten it, by the day on which it ended. */
async function makeArchived(days: (destination: string) => Record<string, Line[]>) {
  const tenant = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(ok))
  const destination = await addDestination(tenant.api, `http://127.0.0.1:${receiver.port}/A`)
  for (const [day, lines] of Object.entries(days(destination))) {
    const file = join(root, tenant.id, 'sandbox', `${day}.jsonl`)
    await mkdir(dirname(file), { recursive: true })
    const runs = lines.map((line) => JSON.stringify(archived(tenant.id, day, { to: destination, ...line })))
    await writeFile(file, runs.map((run) => `${run}\n`).join(''))
  }
  return { ...tenant, receiver, destination }
}

function archived(
  tenantId: string,
  day: string,
  { event, to = '', replayId, status, missed }: Line,
): ArchivedRun {
  const createdAt = '2026-02-10T12:00:00.000Z'
  const timeline: Timeline = {
    ...openTimeline(),
    status: status === 'failed' ? 'failed' : status === 'skipped' ? 'unrouted' : 'delivered',
    deliveries: missed ? [] : [{ destinationId: to, channel: 'webhook', status, attempts: [] }],
    routing: [{ destinationId: to, matched: !missed, reason: 'x', ...(missed && { missed }) }],
  }
  return {
    event: makeEvent({ tenantId, createdAt, ...event }),
    ...(replayId && { replayId }),
    startedAt: createdAt,
    endedAt: `${day}T23:00:00.000Z`,
    timeline,
  }
}

const february = { from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z', source: 'archive' }

describe('a replay from the archive', () => {
  it('delivers what failed in the window once, whenever its run ended', async () => {
    const { api, receiver } = await makeArchived(() => ({
      '2026-01-31': [{ event: { id: 'before', createdAt: '2026-01-31T23:59:59.999Z' }, status: 'failed' }],
      '2026-02-10': [
        { event: { id: 'failed', data: { n: 1 } }, status: 'failed' },
        { event: { id: 'arrived' }, status: 'delivered' },
        { event: { id: 'tried', test: true }, status: 'failed' },
        { event: { id: 'expired', expiresAt: '2026-02-10T13:00:00.000Z' }, status: 'failed' },
        { event: { id: 'arrived' }, status: 'failed', replayId: 'rpl_other' },
      ],
      '2026-03-03': [
        { event: { id: 'late', createdAt: '2026-02-28T23:59:59.999Z' }, status: 'failed' },
        { event: { id: 'after', createdAt: '2026-03-01T00:00:00.000Z' }, status: 'failed' },
      ],
    }))
    const ended = await endedReplay(api, await startReplay(api, february))
    expect(ended).toMatchObject({ status: 'completed', found: 3, started: 2, delivered: 2 })
    expect(ended).toMatchObject({ filter: { source: 'archive' }, skippedReasons: { expired: 1 } })
    expect(arrivals(receiver)).toEqual(['failed>/A', 'late>/A'])
    const { body } = receiver.received.find(({ headers }) => headers['webhook-id'] === 'failed') ?? {
      body: '{}',
    }
    expect(JSON.parse(body)).toMatchObject({ data: { n: 1 } })

    const again = await endedReplay(api, await startReplay(api, february))
    expect(again).toMatchObject({ found: 3, started: 0 })
    expect(again.skippedReasons).toEqual({ already_delivered: 2, expired: 1 })
    expect(receiver.received).toHaveLength(2)
  })

  it('goes by type, destination and status as one from the log does', async () => {
    const { api, receiver, destination } = await makeArchived(() => ({
      '2026-02-10': [
        { event: { id: 'failed', type: 'kyc.done' }, status: 'failed' },
        { event: { id: 'elsewhere' }, to: 'dst_other', status: 'failed' },
        { event: { id: 'arrived' }, status: 'delivered' },
        { event: { id: 'missed' }, status: 'skipped', missed: true },
      ],
    }))
    const replay = async (asked: object) => {
      const before = receiver.received.length
      await endedReplay(api, await startReplay(api, { ...february, destination, ...asked }))
      return arrivals(receiver, before).map((one) => one.split('>')[0])
    }
    expect(await replay({ type: 'aml.*' })).toEqual([])
    expect(await replay({ type: 'kyc.*' })).toEqual(['failed'])
    expect(await replay({ status: 'missed' })).toEqual(['missed'])
    expect(await replay({ status: 'undelivered' })).toEqual([])
    expect(await replay({ status: 'all' })).toEqual(['arrived', 'failed', 'missed'])
  })

  it('walks many days and more events than one page holds', { timeout: 60_000 }, async () => {
    // Most have expired, so that the test need not wait for a thousand deliveries.
    const expiresAt = '2026-02-11T00:00:00.000Z'
    const lines = Array.from({ length: 1200 }, (_, index): Line => {
      const id = `e${String(index).padStart(4, '0')}`
      return { event: index % 100 === 99 ? { id } : { id, expiresAt }, status: 'failed' }
    })
    const { api, receiver } = await makeArchived(() => ({
      '2026-02-10': lines.slice(0, 1050),
      '2026-02-25': lines.slice(1050),
    }))
    const ended = await endedReplay(api, await startReplay(api, { ...february, ratePerSecond: 1000 }))
    expect(ended).toMatchObject({
      found: 1200,
      started: 12,
      delivered: 12,
      skippedReasons: { expired: 1188 },
    })
    const alive = lines.flatMap(({ event: { id, expiresAt } }) => (expiresAt ? [] : `${id}>/A`))
    expect(arrivals(receiver)).toEqual(alive)
  })
})
