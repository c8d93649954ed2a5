import { isDeepStrictEqual } from 'node:util'
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type Client,
  type ScheduleDescription,
} from '@temporalio/client'
import { rollUpDaysType, rollUpScheduleId } from '../workflows/contract/roll-up.ts'
import { taskQueue } from '../workflows/contract/task-queues.ts'

/** A while after midnight (UTC), so that what ended just before it is in the lists. */
const calendar = { hour: 0, minute: 20 }
const weekMs = 7 * 24 * 3600_000

const wanted = {
  spec: { calendars: [calendar], timezone: 'UTC' },
  action: {
    type: 'startWorkflow',
    workflowType: rollUpDaysType,
    workflowId: 'roll-up',
    taskQueue,
    // None: what is encrypted here would need its key for as long as there is the schedule.
    args: [],
  },
  // One run does every day that is due, so that nothing is lost by one that did not start beside another.
  policies: { overlap: 'SKIP', catchupWindow: weekMs },
} as const

/** Sees to it that closed days are rolled up every day. Repeating it changes nothing; a schedule that is paused stays so. */
export async function ensureRollUpSchedule({ schedule }: Client): Promise<void> {
  try {
    await schedule.create({ scheduleId: rollUpScheduleId, ...mutable() })
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error
    const handle = schedule.getHandle(rollUpScheduleId)
    if (!isAsWanted(await handle.describe())) await handle.update((current) => ({ ...current, ...mutable() }))
  }
}

/** Returns the state of the schedule that rolls up closed days. */
export async function rollUpScheduleState({
  schedule,
}: Client): Promise<'as wanted' | 'paused' | 'missing' | 'changed'> {
  try {
    const found = await schedule.getHandle(rollUpScheduleId).describe()
    if (found.state.paused) return 'paused'
    return isAsWanted(found) ? 'as wanted' : 'changed'
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return 'missing'
    throw error
  }
}

/** The SDK's types want lists that it may write to. */
function mutable() {
  const { spec, action, policies } = wanted
  return {
    spec: { ...spec, calendars: [...spec.calendars] },
    action: { ...action, args: [...action.args] },
    policies,
  }
}

/** The server answers with every field of a calendar as a range. */
function isAsWanted({ spec, action, policies }: ScheduleDescription): boolean {
  const { calendars = [], intervals = [], skip = [], timezone } = spec
  return isDeepStrictEqual(
    {
      calendars: calendars.map(({ hour, minute }) => ({ hour, minute })),
      others: [...intervals, ...skip],
      timezone,
      started: [action.type, action.workflowType, action.taskQueue, action.args?.length ?? 0],
      policies: [policies.overlap, policies.catchupWindow],
    },
    {
      calendars: [{ hour: [only(calendar.hour)], minute: [only(calendar.minute)] }],
      others: [],
      timezone: wanted.spec.timezone,
      started: [wanted.action.type, rollUpDaysType, taskQueue, 0],
      policies: [wanted.policies.overlap, weekMs],
    },
  )
}

function only(value: number) {
  return { start: value, end: value, step: 1 }
}
