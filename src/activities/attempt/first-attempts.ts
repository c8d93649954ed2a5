import { setTimeout as sleep } from 'node:timers/promises'
import { activityInfo, getClient } from '@temporalio/activity'
import { LRUCache } from 'lru-cache'
import type { Event } from '../../domain/event.ts'
import type { AttemptResult, FirstResult } from '../../domain/delivery/outcome.ts'
import { deliveryKey } from '../../domain/delivery/timeline.ts'
import { isNotFound } from '../../temporal/grpc.ts'
import { attemptEndedSignal } from '../../workflows/contract/event.ts'
import type { AttemptRequest } from './request.ts'
import type { ActivityDeps } from '../deps.ts'
import { failIfAttemptFailed } from './failure.ts'
import { count } from '../limits/lanes.ts'
import type { OngoingAttempts } from './ongoing.ts'

export interface AttemptsRequest {
  event: Event
  requests: AttemptRequest[]
}

export interface FirstAttempts {
  /** When this was known (ISO 8601, UTC). */
  at: string
  /** In the order of the requests. */
  results: FirstResult[]
}

/** A workflow task waits this long for its first attempts: most receivers answer within it, and the event is done at once. */
const patienceMs = 1_000
/** The shorter wait that applies if the tenant's share is used up or waiting did not help a moment ago. */
const briefMs = 100
/** Workflow tasks that may wait longer than briefly, of one tenant and in all: fewer than there are slots for. */
const maxWaiting = { perTenant: 3, inAll: 5 }
/** How long a tenant's events use the shorter wait after a longer one was in vain, because its receivers hang. */
const inVainMs = 5_000

type Deps = Pick<ActivityDeps, 'log'> & { ongoing: OngoingAttempts }

/**
 * The event's first attempts, made in parallel in one local activity: the event is at hand, and a local activity's input is not
 * written to history. Slow ones continue in this process and report by a signal, so that they block neither a slot nor the other
 * deliveries.
 */
export function createAttemptEach(
  deps: Deps,
  make: (event: Event, request: AttemptRequest) => Promise<AttemptResult>,
) {
  const shares = createShares(maxWaiting)

  return async function attemptEach({ event, requests }: AttemptsRequest): Promise<FirstAttempts> {
    const asking = callingRun()
    const begun = requests.map((request) => {
      const key = deliveryKey(request)
      const attempt = deps.ongoing.begin(`${asking.runId} ${key}`, () => make(event, request))
      return { key, attempt }
    })
    await waitFor(
      begun.map(({ attempt }) => attempt.done),
      () => shares.take(event.tenantId),
    )
    const report = createReport(deps, asking)
    const results = begun.map(({ key, attempt }): FirstResult => {
      if (attempt.result) return attempt.result
      attempt.reportTo((result) => report(key, result))
      return { kind: 'inProgress' }
    })
    return failIfAttemptFailed({ at: new Date().toISOString(), results }, results)
  }
}

/** The run of the workflow that called the current activity. */
function callingRun(): { workflowId: string; runId: string } {
  const { workflowExecution } = activityInfo()
  if (!workflowExecution) throw new Error('this activity can only be called by a workflow')
  return workflowExecution
}

/**
 * Waits for all of them within the time limit. As soon as one has failed, its delivery needs its workflow, and the others are no
 * longer waited for.
 */
async function waitFor(
  attempts: readonly Promise<AttemptResult>[],
  takeShare: () => GiveBack | undefined,
): Promise<void> {
  const all = Promise.all(attempts)
  if (await isDoneWithin(all, briefMs)) return
  const giveShareBack = takeShare()
  if (!giveShareBack) return
  const setbacks = attempts.map(async (attempt) => isDelivered(await attempt) || undefined)
  const setback = new Promise((resolve) => {
    for (const one of setbacks) void one.then((delivered) => delivered ?? resolve(undefined))
  })
  const isWorthIt = await isDoneWithin(Promise.race([all, setback]), patienceMs - briefMs)
  giveShareBack({ inVain: !isWorthIt })
}

function isDelivered(result: AttemptResult): boolean {
  return result.kind === 'attempted' && result.outcome.kind === 'delivered'
}

async function isDoneWithin(work: Promise<unknown>, forMs: number): Promise<boolean> {
  const timer = new AbortController()
  const late = sleep(forMs, false, { signal: timer.signal }).catch(() => false)
  const done = await Promise.race([work.then(() => true), late])
  timer.abort()
  return done
}

type GiveBack = (ended: { inVain: boolean }) => void

/** Permits for longer waits, limited per tenant and in total. */
function createShares(max: { perTenant: number; inAll: number }) {
  const taken = new Map<string, number>()
  const inVain = new LRUCache<string, true>({ max: 10_000, ttl: inVainMs })
  let inAll = 0
  return {
    /** Returns the function that gives the permit back, or `undefined` if the tenant is to wait briefly. */
    take(tenantId: string): GiveBack | undefined {
      if (inAll >= max.inAll || (taken.get(tenantId) ?? 0) >= max.perTenant) return undefined
      if (inVain.has(tenantId)) return undefined
      inAll++
      const leave = count(taken, tenantId)
      return (ended) => {
        inAll--
        leave()
        if (ended.inVain) inVain.set(tenantId, true)
      }
    },
  }
}

/** Reports to the run by a signal. A run that has ended meanwhile needs no result. */
function createReport({ log }: Deps, { workflowId, runId }: { workflowId: string; runId: string }) {
  const handle = getClient().workflow.getHandle(workflowId, runId)
  return async (key: string, result: AttemptResult): Promise<void> => {
    try {
      await handle.signal(attemptEndedSignal, key, result)
    } catch (err) {
      // The workflow takes the worker to be lost when the attempt's time is over, and has it made again.
      if (!isNotFound(err)) log.error({ err, workflowId }, 'attempt.not-reported')
    }
  }
}
