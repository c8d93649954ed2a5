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

/** What ended just before the request may not be in the server's index yet. */
const settlingMs = 2_000

/** At most this much is started in one go, so that what is asked meanwhile is heard soon. */
const mostAtOnce = 100

/** Repeated until they succeed: looking changes nothing, and the same replay of an event is never started twice. */
const { countReplayable, findReplayable, startReplays } = proxyActivities<
  Pick<Activities, 'countReplayable' | 'findReplayable' | 'startReplays'>
>({
  startToCloseTimeout: '2m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '1s', maximumInterval: '1m' },
})

/** Replays many events: looks for a page of them, starts it in chunks at the rate asked for, and so on to the last. */
export async function replayEvents(input: ReplayEventsInput): Promise<ReplayProgress> {
  const replay = openReplay(input)
  const { stand, progress } = replay
  if (!input.carried) await count(input, progress)
  replay.show()
  while (await replay.mayGoOn()) {
    if (workflowInfo().continueAsNewSuggested) await replay.continueAsNew()
    if (stand.waiting.length > 0) await startChunk(input, replay)
    else if (stand.complete) progress.state = 'completed'
    else await findMore(input, stand)
    replay.show()
  }
  return progress
}

async function count(input: ReplayEventsInput, progress: ReplayProgress): Promise<void> {
  await sleep(settlingMs)
  progress.found = await countReplayable(input)
}

async function findMore(input: ReplayEventsInput, stand: ReplayStand): Promise<void> {
  const { waiting, skipped, cursor, complete } = await findReplayable({
    ...asked(input),
    cursor: stand.cursor,
  })
  stand.waiting = waiting
  stand.cursor = cursor
  stand.complete = complete
  addUp(stand.progress, skipped)
  const known = seen(stand.progress) + waiting.length
  stand.progress.found = complete ? known : Math.max(stand.progress.found, known)
}

/** Starts as many as a second has room for, and waits for as long as they take at the rate of the time. */
async function startChunk(input: ReplayEventsInput, replay: OpenReplay): Promise<void> {
  const { stand, progress } = replay
  const chunk = stand.waiting.slice(0, Math.min(mostAtOnce, Math.max(1, Math.floor(progress.ratePerSecond))))
  const startedAt = Date.now()
  const { ratePerSecond } = progress
  const { started, skipped } = await startReplays({ ...asked(input), ratePerSecond, chunk })
  stand.waiting.splice(0, chunk.length)
  progress.started += started
  addUp(progress, skipped)
  replay.show()
  if (stand.complete && stand.waiting.length === 0) return
  await replay.waitUntil(() => startedAt + (chunk.length / progress.ratePerSecond) * 1000)
}

/** What activities are told: not where it stands, which would be written to history with each. */
function asked({ carried: _carried, ...input }: ReplayEventsInput): ReplayEventsInput {
  return input
}

function addUp(progress: ReplayProgress, skipped: ReplayProgress['skipped']): void {
  const reasons = Object.keys(skipped) as (keyof typeof skipped)[]
  for (const reason of reasons)
    progress.skipped[reason] = (progress.skipped[reason] ?? 0) + (skipped[reason] ?? 0)
}

/** Events that were started or skipped. */
function seen({ started, skipped }: ReplayProgress): number {
  return Object.values(skipped).reduce((sum, count) => sum + count, started)
}

interface OpenReplay {
  stand: ReplayStand
  progress: ReplayProgress
  /** Waits while it is paused. Says whether there is anything left to do. */
  mayGoOn(): Promise<boolean>
  /** Waits until a time (Unix ms) that a change of the rate moves; less long if it is cancelled. */
  waitUntil(time: () => number): Promise<void>
  /** Shows how it stands to whoever asks, with or without a worker. */
  show(): void
  /** Goes on with a new history. What was asked so far is carried over; what is asked meanwhile, Temporal hands on. */
  continueAsNew(): Promise<never>
}

/** Takes up a replay where it stands, and listens to what is asked of it. */
function openReplay(input: ReplayEventsInput): OpenReplay {
  const { ratePerSecond } = input
  const stand: ReplayStand = input.carried ?? {
    progress: { state: 'running', found: 0, started: 0, skipped: {}, ratePerSecond },
    waiting: [],
    complete: false,
  }
  const { progress } = stand
  let shown = ''
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
    show()
  }

  function show(): void {
    const news = JSON.stringify(progress)
    if (news === shown) return
    shown = news
    upsertMemo({ progress })
  }

  return {
    stand,
    progress,
    show,
    async mayGoOn() {
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
      return again({ ...asked(input), carried: stand })
    },
  }
}
