import { proxyActivities, setHandler } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { rollUpQuery, type RollUpInput, type RollUpProgress } from './contract/roll-up.ts'

/** Idempotent, so they are retried until they succeed. */
const retry = { initialInterval: '10s', maximumInterval: '10m' } as const
const { findDueDays } = proxyActivities<Pick<Activities, 'findDueDays'>>({
  startToCloseTimeout: '1m',
  retry,
})
const { rollUpDay } = proxyActivities<Pick<Activities, 'rollUpDay'>>({
  startToCloseTimeout: '2h',
  heartbeatTimeout: '1m',
  retry,
})

/** Rolls up past days one by one, the oldest first, so that the counted days never have a gap. */
export async function rollUpDays({ days = [] }: RollUpInput = {}): Promise<RollUpProgress> {
  const progress: RollUpProgress = { done: [], waiting: [] }
  setHandler(rollUpQuery, () => progress)
  progress.waiting = await findDueDays(days)
  for (let day = progress.waiting[0]; day !== undefined; day = progress.waiting[0]) {
    progress.done.push(await rollUpDay(day))
    progress.waiting.shift()
  }
  return progress
}
