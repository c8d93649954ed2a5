import {
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow'
import { maxEventBytes } from '../../domain/event.ts'
import { digests } from '../activity-options.ts'
import {
  collectSignal,
  digestedSignal,
  leaveDigestSignal,
  type DigestEntry,
  type DigestInput,
} from '../contract/digests.ts'

/** The signal that starts the workflow brings the first event, normally at once. */
const firstEntryMs = 60_000

/**
 * Collects events for a rule, for its window from the first event on or until `max` is reached, and turns them into one event. It
 * holds only their ids: each event keeps its own data, and is told which event it became part of.
 */
export async function collectDigest(input: DigestInput): Promise<void> {
  const { waiting = [], windowMs, max } = input
  const digested = new Map<string, string>()
  setHandler(collectSignal, async (entry) => {
    const { workflowId } = entry
    if (digested.has(workflowId)) await answer(workflowId, digested.get(workflowId))
    else if (!waiting.some((other) => other.workflowId === workflowId)) waiting.push(entry)
  })
  setHandler(leaveDigestSignal, async (workflowId) => {
    const at = waiting.findIndex((entry) => entry.workflowId === workflowId)
    if (at >= 0) waiting.splice(at, 1)
    await answer(workflowId, digested.get(workflowId))
  })

  const isFull = () => takeFitting(waiting, max).length < waiting.length || waiting.length >= max
  await condition(() => waiting.length > 0, firstEntryMs)
  do {
    while (waiting.length > 0) {
      await condition(() => isFull() || waiting.length === 0, windowMs, { summary: 'the digest closes' })
      const entries = waiting.splice(0, takeFitting(waiting, max).length)
      if (entries.length === 0) break
      const eventId = `dig_${uuid4().replaceAll('-', '')}`
      for (const { workflowId } of entries) digested.set(workflowId, eventId)
      await digests.startDigest({ ...input, waiting: undefined, eventId, entries })
      await Promise.all(entries.map(({ workflowId }) => answer(workflowId, eventId)))
      if (workflowInfo().continueAsNewSuggested && waiting.length > 0)
        await continueAsNew<typeof collectDigest>({ ...input, waiting })
    }
    // Another event may join while a handler is still running, and must not be lost.
    await condition(allHandlersFinished)
  } while (waiting.length > 0)
}

/** The first entries, up to `max`, that fit into one event. There is always room for one. */
function takeFitting(waiting: readonly DigestEntry[], max: number): readonly DigestEntry[] {
  let bytes = 0
  const end = waiting.findIndex(
    (entry, index) => index >= max || ((bytes += entry.bytes) > maxEventBytes && index > 0),
  )
  return end < 0 ? waiting : waiting.slice(0, end)
}

/** An event that has already ended cannot be signalled, and need not be. */
async function answer(workflowId: string, eventId: string | undefined): Promise<void> {
  await getExternalWorkflowHandle(workflowId)
    .signal(digestedSignal, workflowInfo().workflowId, { at: new Date().toISOString(), eventId })
    .catch(() => undefined)
}
