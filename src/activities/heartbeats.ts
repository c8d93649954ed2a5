import { heartbeat } from '@temporalio/activity'

/** Sends heartbeats to Temporal while the work lasts. */
export async function whileHeartbeating<Result>(
  everyMs: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const timer = setInterval(() => heartbeat(), everyMs)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
