import {
  condition,
  makeContinueAsNewFunc,
  proxyActivities,
  setHandler,
  sleep,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { cancelSignal } from './contract/event.ts'
import {
  pauseSignal,
  resumeSignal,
  type ReplayEventsInput,
  type ReplayProgress,
  type ReplayStand,
} from './contract/replays.ts'

/** Temporal's visibility store may not show yet what ended just before the request. */
const settlingMs = 2_000

/** Upper bound of a chunk, so that pause and cancel requests take effect soon. */
const maxChunk = 100

/** Idempotent, so they are retried until they succeed: the same replay of an event is never started twice. */
const { countReplayable, findReplayable, startReplays } = proxyActivities<
  Pick<Activities, 'countReplayable' | 'findReplayable' | 'startReplays'>
>({
  startToCloseTimeout: '2m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '1s', maximumInterval: '1m' },
})

/** Replays many events: finds a page, starts it in chunks at the requested rate, and continues with the next page. */
export async function replayEvents(input: ReplayEventsInput): Promise<ReplayProgress> {
  const replay = openReplay(input)
  const { stand, progress } = replay
  if (!input.carried) await count(input, progress)
  replay.publish()
  while (await replay.canContinue()) {
    if (workflowInfo().continueAsNewSuggested) await replay.continueAsNew()
    if (stand.waiting.length > 0) await startChunk(input, replay)
    else if (stand.complete) progress.state = 'completed'
    else await findMore(input, stand)
    replay.publish()
  }
  return progress
}

async function count(input: ReplayEventsInput, progress: ReplayProgress): Promise<void> {
  await sleep(settlingMs)
  progress.found = await countReplayable(input)
}

async function findMore(input: ReplayEventsInput, stand: ReplayStand): Promise<void> {
  const { waiting, skipped, cursor, complete } = await findReplayable({
    ...request(input),
    cursor: stand.cursor,
  })
  stand.waiting = waiting
  stand.cursor = cursor
  stand.complete = complete
  addUp(stand.progress, skipped)
  const known = countHandled(stand.progress) + waiting.length
  stand.progress.found = complete ? known : Math.max(stand.progress.found, known)
}

/** Starts one second's worth of events, then waits as long as the current rate requires. */
async function startChunk(input: ReplayEventsInput, replay: OpenReplay): Promise<void> {
  const { stand, progress } = replay
  const chunk = stand.waiting.slice(0, Math.min(maxChunk, Math.max(1, Math.floor(progress.ratePerSecond))))
  const startedAt = Date.now()
  const { ratePerSecond } = progress
  const { started, skipped } = await startReplays({ ...request(input), ratePerSecond, chunk })
  stand.waiting.splice(0, chunk.length)
  progress.started += started
  addUp(progress, skipped)
  replay.publish()
  if (stand.complete && stand.waiting.length === 0) return
  await replay.waitUntil(() => startedAt + (chunk.length / progress.ratePerSecond) * 1000)
}

/** The input without the carried-over state, which would be recorded with every activity. */
function request({ carried: _carried, ...input }: ReplayEventsInput): ReplayEventsInput {
  return input
}

function addUp(progress: ReplayProgress, skipped: ReplayProgress['skipped']): void {
  const reasons = Object.keys(skipped) as (keyof typeof skipped)[]
  for (const reason of reasons)
    progress.skipped[reason] = (progress.skipped[reason] ?? 0) + (skipped[reason] ?? 0)
}

/** The number of events that were started or skipped. */
function countHandled({ started, skipped }: ReplayProgress): number {
  return Object.values(skipped).reduce((sum, count) => sum + count, started)
}

interface OpenReplay {
  stand: ReplayStand
  progress: ReplayProgress
  /** Waits while the replay is paused. Returns false if it is over. */
  canContinue(): Promise<boolean>
  /** Waits until a time (Unix ms), which is evaluated again when the rate changes. A cancellation ends the wait. */
  waitUntil(time: () => number): Promise<void>
  /** Writes the progress to the memo, where it can be read without a worker. */
  publish(): void
  /** Continues with a new history. The state is carried over; Temporal forwards signals that arrive meanwhile. */
  continueAsNew(): Promise<never>
}

/** Starts a replay, or resumes one that was carried over, and attaches its signals. */
function openReplay(input: ReplayEventsInput): OpenReplay {
  const { ratePerSecond } = input
  const stand: ReplayStand = input.carried ?? {
    progress: { state: 'running', found: 0, started: 0, skipped: {}, ratePerSecond },
    waiting: [],
    complete: false,
  }
  const { progress } = stand
  let published = ''
  let changes = 0

  setHandler(pauseSignal, () => change('paused'))
  setHandler(resumeSignal, (rate) => {
    progress.ratePerSecond = rate ?? progress.ratePerSecond
    change('running')
  })
  setHandler(cancelSignal, () => change('cancelled'))

  const isOver = () => progress.state === 'cancelled' || progress.state === 'completed'

  function change(state: ReplayProgress['state']): void {
    if (isOver()) return
    progress.state = state
    changes++
    publish()
  }

  function publish(): void {
    const state = JSON.stringify(progress)
    if (state === published) return
    published = state
    upsertMemo({ progress })
  }

  return {
    stand,
    progress,
    publish,
    async canContinue() {
      await condition(() => progress.state !== 'paused')
      return !isOver()
    },
    async waitUntil(time) {
      for (let changed = true; changed && !isOver();) {
        const before = changes
        changed = await condition(() => changes > before, Math.max(1, time() - Date.now()))
      }
    },
    continueAsNew() {
      const { memo, typedSearchAttributes } = workflowInfo()
      const again = makeContinueAsNewFunc<typeof replayEvents>({
        memo: { ...memo, progress },
        typedSearchAttributes,
      })
      return again({ ...request(input), carried: stand })
    },
  }
}
