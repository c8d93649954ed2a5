import { ApplicationFailure, getClient } from '@temporalio/activity'
import type { Client } from '@temporalio/client'
import { findRolledDay, readRollUpState, replaceDay } from '../../db/daily-totals.ts'
import { sweepCounters } from '../../db/limits/call-counters.ts'
import { sweepRequests } from '../../db/limits/idempotent-requests.ts'
import { sweepPasses } from '../../db/limits/rule-passes.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { toDay, dueDays, endOfDay, isDay, startOfDay } from '../../domain/days.ts'
import { countClosed } from '../../temporal/counts/closed.ts'
import { retentionMs } from '../../temporal/retention.ts'
import type { DayRolledUp } from '../../workflows/contract/roll-up.ts'
import { archiveDay } from './archive-day.ts'
import { throwIfCancelled } from '../throw-if-cancelled.ts'
import { whileHeartbeating } from '../heartbeats.ts'
import type { ActivityDeps } from '../deps.ts'

/** The loss of a worker is noticed after a minute (src/workflows/roll-up.ts). */
const heartbeatEveryMs = 10_000

/** The activities of `rollUpDays`. All are safe to repeat: a day is counted again from what Temporal holds. */
export function createRollUp({ db, archive, log }: Pick<ActivityDeps, 'db' | 'archive' | 'log'>) {
  /** The days to roll up, oldest first: those that are due and those that were requested. */
  async function findDueDays(asked: string[]): Promise<string[]> {
    const now = new Date()
    // Here as it is asked once a day: an activity of its own would be another step in every roll-up's history.
    await Promise.all([sweepPasses(db, now), sweepCounters(db, now), sweepRequests(db, now)])
    const wrong = asked.find((day) => !isDay(day) || day > toDay(now))
    if (wrong !== undefined)
      throw ApplicationFailure.nonRetryable(
        `${wrong} is not a valid day: it must be YYYY-MM-DD (UTC) and not in the future`,
      )
    const due = dueDays(now, { ...(await readRollUpState(db)), archiving: archive !== undefined })
    return [...new Set([...due, ...asked])].sort()
  }

  /** Counts a day and, where there is an archive, archives it. */
  async function rollUpDay(day: string): Promise<DayRolledUp> {
    const startedAt = performance.now()
    const rolled = await whileHeartbeating(heartbeatEveryMs, () => rollUp(getClient(), day))
    log.info({ ...rolled, durationMs: Math.round(performance.now() - startedAt) }, 'day.rolled-up')
    return rolled
  }

  async function rollUp(client: Client, day: string): Promise<DayRolledUp> {
    const kept = await findKept(client, day)
    if (kept) return { day, executions: kept.executions, kept: true }
    // A day that has not ended is counted so far, and again when it has ended.
    const countedUntil = new Date()
    const until = countedUntil < endOfDay(day) ? countedUntil : endOfDay(day)
    const span = { from: startOfDay(day), until }
    const { executions, totals } = await countClosed(client, span)
    const archivedRuns =
      archive && (await archiveDay({ client, db, archive }, { day, ...span }, throwIfCancelled))
    await replaceDay(db, { day, totals, executions, archived: archive !== undefined, countedUntil })
    return definedOnly({ day, executions, archivedRuns })
  }

  /** A day that Temporal has partly deleted would be counted too low, so its stored totals are kept. */
  async function findKept(client: Client, day: string) {
    const rolled = await findRolledDay(db, day)
    if (!rolled) return undefined
    const forgottenUntil = Date.now() - (await retentionMs(client))
    const wasOver = rolled.doneAt >= endOfDay(day)
    return forgottenUntil > (wasOver ? startOfDay(day) : endOfDay(day)).getTime() ? rolled : undefined
  }

  return { findDueDays, rollUpDay }
}
