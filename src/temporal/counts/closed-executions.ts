import type { Client } from '@temporalio/client'
import { countExecutions, listAllExecutions, quoted, type Execution } from '../log/executions.ts'

/** A stretch of time; `from` is in it, `until` is not. */
export interface Span {
  from: Date
  until: Date
}

/** Larger stretches are halved, because executions are sorted in memory, but not below one second. */
const minStretchMs = 1_000
const defaultLimits = { inStretch: 5_000, page: 1_000 }

/**
 * Executions of these types that ended within a span, in the order of their end. Visibility lists the newest first, so this reads
 * stretches that are short enough to be reversed. The span must be over, because executions that end meanwhile would shift the
 * pages. A tombstone counts at the end of the run that it replaces, once, whether or not that run still exists.
 */
export async function* closedExecutions(
  client: Client,
  types: readonly string[],
  span: Span,
  limits = defaultLimits,
): AsyncGenerator<Execution> {
  const ofTypes = `WorkflowType IN (${types.map(quoted).join(', ')})`
  const lengthMs = span.until.getTime() - span.from.getTime()
  // Originals first: one that has disappeared by then has already left its tombstone.
  const queries = [
    `${ofTypes} AND ${closedWithin(span)}`,
    `${ofTypes} AND ${tombstonesWithin(span)}`,
  ] as const
  let count = 0
  for (const query of lengthMs > 0 ? queries : []) count += await countExecutions(client, query)
  if (count > limits.inStretch && lengthMs > minStretchMs) {
    const middle = new Date(span.from.getTime() + Math.floor(lengthMs / 2))
    yield* closedExecutions(client, types, { from: span.from, until: middle }, limits)
    yield* closedExecutions(client, types, { from: middle, until: span.until }, limits)
  } else if (count > 0) {
    const originals = await listAllExecutions(client, queries[0], limits.page)
    const tombstones = (await listAllExecutions(client, queries[1], limits.page)).map(atOriginalEnd)
    const replaced = new Set(tombstones.map(({ workflowId }) => workflowId))
    const others = originals.filter(({ workflowId }) => !replaced.has(workflowId))
    yield* [...others, ...tombstones].sort(byEnd)
  }
}

function atOriginalEnd(tombstone: Execution): Execution {
  const { erased } = tombstone.memo
  return { ...tombstone, ...(erased && { endedAt: BigInt(Date.parse(erased.endedAt)) * 1_000_000n }) }
}

/** A visibility query's condition: runs that ended within a span, or whose originals did. */
export function endedWithin(span: Span): string {
  return `(${closedWithin(span)} OR ${tombstonesWithin(span)})`
}

function closedWithin({ from, until }: Span): string {
  return `(OriginalEnd IS NULL AND CloseTime >= ${quotedAt(from)} AND CloseTime < ${quotedAt(until)})`
}

/** Until the tombstone has closed, the original is still listed. */
function tombstonesWithin({ from, until }: Span): string {
  const within = `OriginalEnd >= ${quotedAt(from)} AND OriginalEnd < ${quotedAt(until)}`
  return `(${within} AND ExecutionStatus != 'Running')`
}

function quotedAt(time: Date): string {
  return quoted(time.toISOString())
}

function byEnd({ endedAt: left = 0n }: Execution, { endedAt: right = 0n }: Execution): number {
  return left < right ? -1 : left > right ? 1 : 0
}
