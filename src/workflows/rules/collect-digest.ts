import {
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow'
import { eventMaxBytes } from '../../domain/event.ts'
import { digests } from '../activity-options.ts'
import {
  collectSignal,
  digestedSignal,
  leaveDigestSignal,
  type DigestEntry,
  type DigestInput,
} from '../contract/digests.ts'

/** It is started by a signal that brings the first one. */
const firstMs = 60_000

/**
 * Collects events for a rule, from the first one on for as long as its window is, or until there are so many, and tells of
 * them by one event. It holds nothing but their names: an event that waits here keeps its own data, and is told what it
 * became a part of.
 */
export async function collectDigest(input: DigestInput): Promise<void> {
  const { waiting = [], windowMs, max } = input
  const digested = new Map<string, string>()
  setHandler(collectSignal, async (entry) => {
    const { workflowId } = entry
    if (digested.has(workflowId)) await tell(workflowId, digested.get(workflowId))
    else if (!waiting.some((other) => other.workflowId === workflowId)) waiting.push(entry)
  })
  setHandler(leaveDigestSignal, async (workflowId) => {
    const at = waiting.findIndex((entry) => entry.workflowId === workflowId)
    if (at >= 0) waiting.splice(at, 1)
    await tell(workflowId, digested.get(workflowId))
  })

  const isFull = () => fitting(waiting, max).length < waiting.length || waiting.length >= max
  await condition(() => waiting.length > 0, firstMs)
  do {
    while (waiting.length > 0) {
      await condition(() => isFull() || waiting.length === 0, windowMs, { summary: 'the digest closes' })
      const entries = waiting.splice(0, fitting(waiting, max).length)
      if (entries.length === 0) break
      const eventId = `dig_${uuid4().replaceAll('-', '')}`
      for (const { workflowId } of entries) digested.set(workflowId, eventId)
      await digests.startDigest({ ...input, waiting: undefined, eventId, entries })
      await Promise.all(entries.map(({ workflowId }) => tell(workflowId, eventId)))
      if (workflowInfo().continueAsNewSuggested && waiting.length > 0)
        await continueAsNew<typeof collectDigest>({ ...input, waiting })
    }
    // Somebody is told that it has left, and another one may come meanwhile, who must not be left behind.
    await condition(allHandlersFinished)
  } while (waiting.length > 0)
}

/** The first so many, that together make an event of an allowed size. There is always room for one. */
function fitting(waiting: readonly DigestEntry[], max: number): readonly DigestEntry[] {
  let bytes = 0
  const end = waiting.findIndex(
    (entry, index) => index >= max || ((bytes += entry.bytes) > eventMaxBytes && index > 0),
  )
  return end < 0 ? waiting : waiting.slice(0, end)
}

/** An event that has ended meanwhile cannot be told, and need not be. */
async function tell(workflowId: string, eventId: string | undefined): Promise<void> {
  await getExternalWorkflowHandle(workflowId)
    .signal(digestedSignal, workflowInfo().workflowId, { at: new Date().toISOString(), eventId })
    .catch(() => undefined)
}
