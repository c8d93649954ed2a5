import { setTimeout as sleep } from 'node:timers/promises'
import { getClient } from '@temporalio/activity'
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client'
import pMap from 'p-map'
import type { Archive } from '../../archive/archive.ts'
import { placedDestinations } from '../../db/destinations/destinations.ts'
import { findErasures } from '../../db/erasures.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import type { RoutableDestination } from '../../domain/destination.ts'
import { findRequest, includedEvents, type ErasedEvent } from '../../domain/redaction/erasure.ts'
import { expiryMs, type Event } from '../../domain/event.ts'
import type { SkipReason } from '../../domain/replay.ts'
import { readEventInput } from '../../temporal/log/event-input.ts'
import { grpcCode, grpcInvalidArgument, ifFound } from '../../temporal/grpc.ts'
import { withoutLaterRuns } from '../../temporal/log/later-runs.ts'
import { countInLog, findInLog } from '../../temporal/log/replayable.ts'
import { startReplayRun } from '../../temporal/start-event.ts'
import { enterTurn, listOrderQueues } from '../../temporal/turns.ts'
import type { RouteEventInput } from '../../workflows/contract/event.ts'
import type { Replayable, ReplayEventsInput, ReplayProgress } from '../../workflows/contract/replays.ts'
import { whileHeartbeating } from '../heartbeats.ts'
import type { ActivityDeps } from '../deps.ts'
import { findInArchive, readFromArchive } from './archive.ts'

type Skipped = ReplayProgress['skipped']

/** Often enough for the loss of a worker to be noticed within seconds. */
const heartbeatMs = 2_000

/** How long one call searches the archive. */
const lookingMs = 30_000

/** Runs started and events read concurrently. */
const concurrency = 10

/** The activities of a bulk replay. All are safe to repeat: searching changes nothing, and nothing is started twice. */
export function createReplays({ db, archive, log }: Pick<ActivityDeps, 'db' | 'archive' | 'log'>) {
  /** The number of matching events. An archive is not counted, because that would mean reading it twice. */
  async function countReplayable(input: ReplayEventsInput): Promise<number> {
    return input.filter.source === 'archive' ? 0 : countInLog(getClient(), input)
  }

  /** The next page of events to replay, without deliveries that later runs have made or are making. */
  async function findReplayable({ cursor, ...input }: ReplayEventsInput & { cursor?: string }) {
    return whileHeartbeating(heartbeatMs, async () => {
      const client = getClient()
      const page =
        input.filter.source === 'archive'
          ? await findInArchive(required(archive), input, cursor, Date.now() + lookingMs)
          : await findInLog(client, input, cursor)
      // Replays that Temporal has already deleted are unknown: for an archived event, only runs that still exist count.
      const { waiting, skipped } = await withoutLaterRuns(client, input, page.found)
      const { complete } = page
      return { waiting, skipped: tally([...page.skipped, ...skipped]), cursor: page.cursor, complete }
    })
  }

  /**
   * Starts replays, spread evenly over the time that they have at the given rate. One that already exists counts as started: the
   * response to that start was lost.
   */
  async function startReplays({ chunk, ...input }: ReplayEventsInput & { chunk: Replayable[] }) {
    return whileHeartbeating(heartbeatMs, async () => {
      const client = getClient()
      const archived = input.filter.source === 'archive'
      const events = archived ? await readFromArchive(required(archive), input, chunk) : undefined
      const read = (one: Replayable) =>
        events ? (events.get(one.eventId) ?? nothing) : readInput(client, one)
      const { tenantId, environment, id: replayId } = input
      const placed = await placedDestinations(db, { tenantId, environment })
      const ordered = placed.filter(({ delivery }) => delivery.ordering)
      const begunAt = Date.now()
      const outcomes = await pMap(
        chunk,
        async (one, index) => {
          await sleep(Math.max(0, begunAt + (index * 1000) / input.ratePerSecond - Date.now()))
          const found = await read(one)
          if (found.event && (await isErased(input, found.event))) return 'erased'
          return startOne(client, input, { ...one, ordered, ...found })
        },
        // If a destination keeps an order, events are started one at a time, in the order in which they were accepted.
        { concurrency: ordered.length > 0 ? 1 : concurrency },
      )
      const skipped = outcomes.filter((outcome) => outcome !== 'started')
      const started = outcomes.length - skipped.length
      log.info({ tenantId, environment, replayId, started, skipped: skipped.length }, 'replay.advanced')
      return { started, skipped: tally(skipped) }
    })
  }

  /** Excludes events that are being erased, because the erasure would have to find new runs of them again. */
  async function isErased({ tenantId, environment }: ReplayEventsInput, event: Event | ErasedEvent) {
    if (event.data === undefined) return true
    const ids = includedEvents(event).map(({ id }) => id)
    return findRequest(event, await findErasures(db, { tenantId, environment }, ids)) !== undefined
  }

  return { countReplayable, findReplayable, startReplays }
}

async function readInput(
  client: Client,
  { workflowId = '', runId }: Replayable,
): Promise<Pick<ReplayStart, 'event' | 'digest' | 'redacted'>> {
  const input = await ifFound(readEventInput(client, workflowId, runId))
  if (!input) return {}
  if ('erased' in input) return { event: input.event }
  return definedOnly({ event: input.event, digest: input.digest })
}

const nothing: Pick<ReplayStart, 'event' | 'digest' | 'redacted'> = {}

interface ReplayStart extends Partial<Pick<RouteEventInput, 'digest'>> {
  event?: Event | ErasedEvent
  /** Set on events that the archive holds only in redacted form. */
  redacted?: true
  /** The destinations that keep an order. */
  ordered: readonly RoutableDestination[]
}

async function startOne(
  client: Client,
  { id }: ReplayEventsInput,
  { destinations, ordered, event, redacted, digest }: Replayable & ReplayStart,
): Promise<'started' | SkipReason> {
  if (!event) return 'forgotten'
  if (event.data === undefined) return 'erased'
  if (redacted) return 'redacted'
  if (Date.now() >= expiryMs(event)) return 'expired'
  const queues = listOrderQueues(
    event,
    ordered.filter((destination) => destinations?.includes(destination.id)),
  )
  const replay = definedOnly({
    event,
    digest,
    replay: { id, destinations },
    ...(queues.length > 0 && { queues }),
  })
  try {
    const { workflowId } = await startReplayRun(client, replay, { eager: false, partOf: id })
    for (const queueId of queues) await enterTurn(client, { queueId, workflowId, permits: 1 })
  } catch (error) {
    // Asking again would not help, and would keep all others waiting.
    if (grpcCode(error) === grpcInvalidArgument) return 'not_startable'
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
  return 'started'
}

function tally(reasons: readonly SkipReason[]): Skipped {
  const counts: Skipped = {}
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1
  return counts
}

function required(archive: Archive | undefined): Archive {
  if (!archive) throw new Error('this worker has no archive: set ARCHIVE as for the API')
  return archive
}
