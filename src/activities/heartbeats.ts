import { heartbeat } from '@temporalio/activity'

/** Tells Temporal every so often that the worker is still there, for as long as the work lasts. */
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
