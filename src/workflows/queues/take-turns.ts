import {
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import { enterSignal, leaveSignal, turnSignal, type TurnsInput } from '../contract/turns.ts'

/** Whoever has a turn is told so again after this time if others wait: it may have been terminated meanwhile. */
const checkMs = 15 * 60_000

/** More than this do not fit into one workflow's input. Those turned away ask again by themselves. */
const mostWaiting = 20_000

/** A queue at a destination: first come, first served, `permits` at once. It ends when nobody stands in it. */
export async function takeTurns(input: TurnsInput): Promise<void> {
  let { permits } = input
  const holding = new Set(input.holding)
  const waiting = new Set(input.waiting)
  let begun = holding.size + waiting.size > 0

  setHandler(enterSignal, (workflowId, allowed) => {
    begun = true
    permits = allowed
    if (!holding.has(workflowId) && waiting.size < mostWaiting) waiting.add(workflowId)
  })
  setHandler(leaveSignal, (workflowId) => {
    holding.delete(workflowId)
    waiting.delete(workflowId)
  })

  const canGive = () => waiting.size > 0 && holding.size < permits
  const isLong = () => workflowInfo().continueAsNewSuggested
  const isEmpty = () => holding.size + waiting.size === 0

  /** Whoever cannot be told has ended, and neither needs nor gives back a turn. */
  async function tell(workflowId: string): Promise<void> {
    const handle = getExternalWorkflowHandle(workflowId)
    await handle
      .signal(turnSignal, workflowInfo().workflowId, Date.now())
      .catch(() => holding.delete(workflowId))
  }

  do {
    while (canGive()) {
      const next = [...waiting].slice(0, permits - holding.size)
      for (const workflowId of next) {
        waiting.delete(workflowId)
        holding.add(workflowId)
      }
      await Promise.all(next.map(tell))
    }
    if (isLong()) {
      return continueAsNew<typeof takeTurns>({ permits, holding: [...holding], waiting: [...waiting] })
    }
    const moved = await condition(() => canGive() || (begun && isEmpty()) || isLong(), checkMs)
    if (!moved && waiting.size > 0) await Promise.all([...holding].map(tell))
  } while (!isEmpty())
}
