import type { Client } from '@temporalio/client'
import { countExecutions, listExecutions, quoted } from './executions.ts'

/** What became of a destination's deliveries, replays included, as far back as Temporal keeps them. */
export interface DeliveryStats {
  total: number
  succeeded: number
  /** Given up. A delivery that failed counts once its whole event has ended; until then another attempt may come. */
  failed: number
  /** ISO 8601, UTC; absent when nothing was ever sent. */
  lastAttemptAt?: string
}

/** Events that are looked at for the newest attempt: of those that wait, and of those that ended. */
const newest = { waiting: 200, ended: 20 }

/** Counted by Temporal from what every event's workflow says of its deliveries. Destination ids are unique over all tenants. */
export async function readDeliveryStats(client: Client, destinationId: string): Promise<DeliveryStats> {
  const id = quoted(destinationId)
  const waiting = `Destinations = ${id} AND ExecutionStatus = 'Running'`
  const ended = `Destinations = ${id} AND ExecutionStatus != 'Running'`
  const [total, succeeded, failed, ...pages] = await Promise.all([
    countExecutions(client, `Destinations = ${id}`),
    countExecutions(client, `DeliveredDestinations = ${id}`),
    countExecutions(client, `FailingDestinations = ${id} AND ExecutionStatus != 'Running'`),
    listExecutions(client, waiting, newest.waiting),
    listExecutions(client, ended, newest.ended),
  ])
  const lastAttemptAt = pages
    .flatMap(({ executions }) => executions)
    .flatMap(({ memo }) => memo.summary?.deliveries ?? [])
    .filter((delivery) => delivery.destinationId === destinationId)
    .flatMap(({ lastAttemptAt }) => lastAttemptAt ?? [])
    .sort()
    .at(-1)
  return { total, succeeded, failed, ...(lastAttemptAt && { lastAttemptAt }) }
}
