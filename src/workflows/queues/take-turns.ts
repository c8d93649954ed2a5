import {
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import { enterSignal, leaveSignal, turnSignal, type TurnsInput } from '../contract/turns.ts'

/** If others wait, holders of a turn are signalled again after this time, because they may have been terminated. */
const checkMs = 15 * 60_000

/** More do not fit into one workflow's input. Workflows that are turned away enter again by themselves. */
const maxWaiting = 20_000

/** A FIFO queue of a destination with `permits` turns at once. It ends when it is empty. */
export async function takeTurns(input: TurnsInput): Promise<void> {
  let { permits } = input
  const holding = new Set(input.holding)
  const waiting = new Set(input.waiting)
  let used = holding.size + waiting.size > 0

  setHandler(enterSignal, (workflowId, allowed) => {
    used = true
    permits = allowed
    if (!holding.has(workflowId) && waiting.size < maxWaiting) waiting.add(workflowId)
  })
  setHandler(leaveSignal, (workflowId) => {
    holding.delete(workflowId)
    waiting.delete(workflowId)
  })

  const canGrant = () => waiting.size > 0 && holding.size < permits
  const isLong = () => workflowInfo().continueAsNewSuggested
  const isEmpty = () => holding.size + waiting.size === 0

  /** A workflow that cannot be signalled has ended: it needs no turn and will not release one. */
  async function grant(workflowId: string): Promise<void> {
    const handle = getExternalWorkflowHandle(workflowId)
    await handle
      .signal(turnSignal, workflowInfo().workflowId, Date.now())
      .catch(() => holding.delete(workflowId))
  }

  do {
    while (canGrant()) {
      const next = [...waiting].slice(0, permits - holding.size)
      for (const workflowId of next) {
        waiting.delete(workflowId)
        holding.add(workflowId)
      }
      await Promise.all(next.map(grant))
    }
    if (isLong()) {
      return continueAsNew<typeof takeTurns>({ permits, holding: [...holding], waiting: [...waiting] })
    }
    const changed = await condition(() => canGrant() || (used && isEmpty()) || isLong(), checkMs)
    if (!changed && waiting.size > 0) await Promise.all([...holding].map(grant))
  } while (!isEmpty())
}
