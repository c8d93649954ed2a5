import { defineQuery } from '@temporalio/workflow'

/** Counts and archives past days. A schedule starts it every day; started manually, it can repeat days. */
export const rollUpDaysType = 'rollUpDays'

export const rollUpScheduleId = 'switchyard-roll-up'

/** The workflow id of a manual roll-up. Only one can run at a time. */
export const rollUpByHandId = 'switchyard-roll-up-by-hand'

/** `days` (`YYYY-MM-DD`, UTC) are rolled up in addition to those that are due. */
export interface RollUpInput {
  days?: string[]
}

export interface RollUpProgress {
  done: DayRolledUp[]
  waiting: string[]
}

export interface DayRolledUp {
  day: string
  executions: number
  archivedRuns?: number
  /** The day was left unchanged: its executions are beyond Temporal's retention. */
  kept?: true
}

export const rollUpQuery = defineQuery<RollUpProgress>('rollUp')
