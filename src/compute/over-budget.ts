/**
 * The limit that a job exceeded: its own running time, its tenant's share of running time, its tenant's share of the queue, or a
 * thread's memory.
 */
export type Budget = 'time' | 'share' | 'queue' | 'memory'

const texts: Record<Budget, string> = {
  time: 'takes too long',
  share: 'is deferred: the tenant has used up its processing time',
  queue: 'is deferred: too much of the tenant’s work is waiting',
  memory: 'uses too much memory',
}

/** A job was not finished. Only `share` and `queue` are worth a retry, after `retryInMs`. */
export class OverBudget extends Error {
  readonly budget: Budget
  readonly retryInMs: number | undefined

  constructor(budget: Budget, retryInMs?: number) {
    super(texts[budget])
    this.budget = budget
    this.retryInMs = retryInMs
  }
}
