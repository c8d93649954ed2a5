import { defineQuery } from '@temporalio/workflow'

/** Counts, and archives, the days that are over. A schedule starts it every day; by hand it takes days to do again. */
export const rollUpDaysType = 'rollUpDays'

export const rollUpScheduleId = 'switchyard-roll-up'

/** Of one that was started by hand: one at a time. */
export const rollUpByHandId = 'switchyard-roll-up-by-hand'

/** `days` (`YYYY-MM-DD`, UTC) are rolled up besides those that are due. */
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
  /** It was left as it is: Temporal has forgotten what it was counted from. */
  kept?: true
}

export const rollUpQuery = defineQuery<RollUpProgress>('rollUp')
