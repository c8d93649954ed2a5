import type { Client } from '@temporalio/client'
import { countExecutions, listAllExecutions, quoted, type Execution } from './executions.ts'

/** A stretch of time; `from` is in it, `until` is not. */
export interface Span {
  from: Date
  until: Date
}

/** Of so many a stretch is cut in two, as they are held in memory to be put in order; one of a second is not. */
const shortestStretchMs = 1_000
const defaultLimits = { inStretch: 5_000, page: 1_000 }

/**
 * Executions of these types that ended within a span, in the order of their end. Visibility lists the newest first, so this
 * reads stretches that are short enough to be turned round. The span must be over: what ends meanwhile would shift the pages.
 */
export async function* closedExecutions(
  client: Client,
  types: readonly string[],
  span: Span,
  limits = defaultLimits,
): AsyncGenerator<Execution> {
  const query = `WorkflowType IN (${types.map(quoted).join(', ')}) AND ${endedWithin(span)}`
  const lengthMs = span.until.getTime() - span.from.getTime()
  const count = lengthMs > 0 ? await countExecutions(client, query) : 0
  if (count > limits.inStretch && lengthMs > shortestStretchMs) {
    const middle = new Date(span.from.getTime() + Math.floor(lengthMs / 2))
    yield* closedExecutions(client, types, { from: span.from, until: middle }, limits)
    yield* closedExecutions(client, types, { from: middle, until: span.until }, limits)
  } else if (count > 0) {
    yield* (await listAllExecutions(client, query, limits.page)).sort(byEnd)
  }
}

/** As a condition of a visibility query. */
export function endedWithin({ from, until }: Span): string {
  return `CloseTime >= ${quoted(from.toISOString())} AND CloseTime < ${quoted(until.toISOString())}`
}

function byEnd({ endedAt: left = 0n }: Execution, { endedAt: right = 0n }: Execution): number {
  return left < right ? -1 : left > right ? 1 : 0
}
