import { availableParallelism } from 'node:os'
import { Piscina } from 'piscina'
import type { Log } from '../log.ts'
import { createFairQueue, queueRetryMs, type QueuedJob } from './fair-queue.ts'
import type { JobAnswer, JobInput, JobKind, JobRequest, JobResult } from './job.ts'
import { OverBudget } from './over-budget.ts'

/**
 * Runs tenant-written code (filters with regular expressions, schemas, templates, YAML) on separate threads, so that it cannot
 * block the thread that serves all tenants. docs/adr/0001-resource-budgets.md has the reasons and figures.
 */
export interface Compute {
  /** Throws `OverBudget` if the job was not finished. */
  run<Kind extends JobKind>(
    tenantId: string,
    kind: Kind,
    input: JobInput<Kind>,
    options?: RunOptions,
  ): Promise<JobResult<Kind>>
  /** Starts the threads, which takes about half a second; otherwise the first jobs do. */
  warmUp(): void
  stop(): Promise<void>
}

interface RunOptions {
  /** The longest time that the job may wait for its tenant's turn. */
  maxWaitMs?: number
}

/** For jobs that improve a message: it is sent without their result rather than late. */
export const maxMessageWaitMs = 2_000

const computeLimits = {
  /** One tenant must leave a thread to the others. */
  threads: Math.max(2, availableParallelism() - 1),
  waitingPerTenant: 1_000,
  waiting: 5_000,
  maxWaitMs: 5_000,
  /** Thread time per tenant: on average a quarter of one thread. */
  shareMs: 15_000,
  windowMs: 60_000,
  /** Threads enforce their own deadlines. A thread in code that cannot be interrupted is terminated after this time. */
  abandonedMs: 30_000,
  heapMb: 256,
} as const

export interface ComputeOptions {
  /** The module that exports `runJob`. */
  thread: URL
  log: Log
  limits?: Partial<Record<keyof typeof computeLimits, number>>
}

export function createCompute({ thread, log, limits: given }: ComputeOptions): Compute {
  const limits = { ...computeLimits, ...given }
  const pool = new Piscina({
    filename: thread.href,
    name: 'runJob',
    minThreads: 0,
    maxThreads: limits.threads,
    idleTimeout: Infinity,
    // The thread's module is TypeScript.
    execArgv: ['--import', 'tsx'],
    resourceLimits: { maxOldGenerationSizeMb: limits.heapMb },
  })
  pool.on('error', (err) => log.error({ err }, 'compute.thread-failed'))
  const queue = createFairQueue(
    { ...limits, running: limits.threads, runningPerTenant: limits.threads - 1 },
    () => performance.now(),
  )

  // Threads take a moment to start, and longer on a busy machine. Waiting counts from the first answer on.
  let setStarted: () => void = () => undefined
  const started = new Promise<void>((resolve) => (setStarted = resolve))

  async function runOnThread(tenantId: string, request: JobRequest): Promise<unknown> {
    const startedAt = performance.now()
    let ranMs: number | undefined
    try {
      const signal = AbortSignal.timeout(limits.abandonedMs)
      const answer = (await pool.run(request, { signal })) as JobAnswer
      ranMs = answer.ranMs
      if ('overTime' in answer) throw new OverBudget('time')
      return answer.result
    } catch (error) {
      throw toOverBudget(error) ?? error
    } finally {
      setStarted()
      queue.end(tenantId, ranMs ?? performance.now() - startedAt)
    }
  }

  function run(
    tenantId: string,
    request: JobRequest,
    { maxWaitMs = limits.maxWaitMs }: RunOptions,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      let isWaiting = true
      function endWait(): void {
        isWaiting = false
        clearTimeout(timer)
      }
      const job: QueuedJob = {
        start() {
          endWait()
          resolve(runOnThread(tenantId, request))
        },
        refuse({ budget, retryInMs }) {
          endWait()
          log.warn({ tenantId, kind: request.kind, budget, retryInMs }, 'compute.refused')
          reject(new OverBudget(budget, retryInMs))
        },
      }
      void started.then(() => {
        if (isWaiting)
          timer = setTimeout(() => {
            if (queue.remove(tenantId, job)) job.refuse({ budget: 'queue', retryInMs: queueRetryMs })
          }, maxWaitMs)
      })
      queue.add(tenantId, job)
    })
  }

  return {
    run: <Kind extends JobKind>(
      tenantId: string,
      kind: Kind,
      input: JobInput<Kind>,
      options: RunOptions = {},
    ) =>
      // The thread's table is typed by `Jobs`, so its answer has the kind's type.
      run(tenantId, { kind, input }, options) as Promise<JobResult<Kind>>,
    warmUp() {
      const request: JobRequest<'measureRegexes'> = { kind: 'measureRegexes', input: { regexes: [] } }
      const answers = Array.from({ length: limits.threads }, () => pool.run(request))
      Promise.all(answers)
        .then(setStarted)
        .catch((err: unknown) => log.error({ err }, 'compute.thread-failed'))
    },
    stop: () => pool.destroy(),
  }
}

/** Translates the error of a thread that was terminated or ran out of memory. */
function toOverBudget(error: unknown): OverBudget | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.name === 'AbortError') return new OverBudget('time')
  const isOutOfMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
  return isOutOfMemory ? new OverBudget('memory') : undefined
}
