import type { Client } from '@temporalio/client'
import { countExecutions, listExecutions, quoted, type Execution } from './executions.ts'

/** A place in the order of a walk: by start, and by workflow id among those that started at the same time. */
export type Place = Pick<Execution, 'startedAt' | 'workflowId'>

export interface Walk {
  /** A visibility query, without a condition on `StartTime`. */
  query: string
  /** Unix times in milliseconds; `from` is inclusive, `until` is not. */
  from: number
  until: number
  /** Only what comes after this place. */
  after?: Place | undefined
  /** At least this many are wanted, if there are that many. */
  wanted: number
}

/** One query answers with at most so many; more than one page of a list that changes meanwhile is not to be trusted. */
const mostAtOnce = 1000

/** Reading more than so many times what is wanted costs more than looking for a shorter stretch. */
const mostOverWanted = 2

/**
 * The oldest executions that a query finds, in order of their start. SQL visibility orders by nothing else than the end, so
 * this looks for a stretch of time that holds enough of them and few enough to be read at once, and sorts those.
 * `complete`: there are no others before `until`.
 */
export async function walkOldestFirst(
  client: Client,
  walk: Walk,
  limits = { atOnce: Math.min(mostAtOnce, mostOverWanted * walk.wanted) },
): Promise<{ executions: Execution[]; complete: boolean }> {
  const found: Execution[] = []
  let from = walk.after ? Math.max(walk.from, Number(walk.after.startedAt / 1_000_000n)) : walk.from
  while (from < walk.until && found.length < walk.wanted) {
    const end = await endOfStretch(client, { ...walk, from }, limits.atOnce)
    const { executions } = await listExecutions(client, within(walk.query, from, end), mostAtOnce)
    found.push(...executions.filter((execution) => !walk.after || inOrder(walk.after, execution) < 0))
    from = end
  }
  return { executions: found.sort(inOrder), complete: from >= walk.until }
}

/**
 * The end of a stretch from `from` on that holds enough and not too many. It begins with a short one, as counting costs as
 * much as there is to count, and grows it by what it finds; if that was too far, it narrows it down.
 */
async function endOfStretch(
  client: Client,
  { query, from, until, wanted }: Walk,
  atOnce: number,
): Promise<number> {
  let low = { end: from, count: 0 }
  let high = { end: Infinity, count: Infinity }
  for (let step = 0; high.end - low.end > 1; step++) {
    const end = Math.min(
      until,
      high.end === Infinity ? grown(from, low, wanted) : between(low, high, wanted, step),
    )
    const next = { end, count: await countExecutions(client, within(query, from, end)) }
    if (next.count > atOnce) high = next
    else if (next.count >= wanted || end === until) return end
    else low = next
  }
  return low.count > 0 ? low.end : high.end
}

interface Counted {
  end: number
  count: number
}

const shortestStretchMs = 1_000
const growth = { least: 1.25, most: 8 }

function grown(from: number, { end, count }: Counted, wanted: number): number {
  if (end === from) return from + shortestStretchMs
  const enough = (1.5 * wanted) / count
  return from + Math.ceil((end - from) * Math.min(Math.max(enough, growth.least), growth.most))
}

/** Guesses by density, and halves every other time, as what is dense in one place may be thin in another. */
function between(low: Counted, high: Counted, wanted: number, step: number): number {
  const share = step % 2 === 0 ? (1.5 * wanted - low.count) / (high.count - low.count) : 0.5
  const guess = low.end + Math.round((high.end - low.end) * share)
  return Math.min(Math.max(guess, low.end + 1), high.end - 1)
}

function within(query: string, from: number, until: number): string {
  const [start, end] = [from, until].map((time) => quoted(new Date(time).toISOString()))
  return `${query} AND StartTime >= ${start} AND StartTime < ${end}`
}

function inOrder(left: Place, right: Place): number {
  if (left.startedAt !== right.startedAt) return left.startedAt < right.startedAt ? -1 : 1
  return left.workflowId < right.workflowId ? -1 : left.workflowId > right.workflowId ? 1 : 0
}
