import type { Client } from '@temporalio/client'
import {
  countExecutions,
  listAllExecutions,
  listExecutions,
  maxPageSize,
  quotedTime,
  type Execution,
} from './executions.ts'

/** A position in a walk: by start time, and by workflow id among those that started at the same time. */
export type WalkPosition = Pick<Execution, 'startedAt' | 'workflowId'>

/** The executions found, in order. `complete`: there are no others. */
export interface WalkResult {
  executions: Execution[]
  complete: boolean
}

export interface Walk {
  /** A visibility query, without a condition on `StartTime`. */
  query: string
  /** Unix times in milliseconds; `from` is inclusive, `until` is not. */
  from: number
  until: number
  /** Only executions after this position. */
  after?: WalkPosition
  /** At least this many are wanted, if there are that many. */
  wanted: number
}

/** Reading more than this multiple of the wanted number costs more than looking for a shorter stretch. */
const maxOvershoot = 2

/**
 * The oldest executions that a query finds, by start time. SQL visibility can only sort by end time, so this looks for a stretch
 * of time with enough of them, but few enough to be read at once, and sorts those. `complete`: there are no others before
 * `until`.
 */
export async function walkOldestFirst(
  client: Client,
  walk: Walk,
  limits = { atOnce: Math.min(maxPageSize, maxOvershoot * walk.wanted) },
): Promise<WalkResult> {
  const found: Execution[] = []
  let from = walk.after ? Math.max(walk.from, startMs(walk.after)) : walk.from
  while (from < walk.until && found.length < walk.wanted) {
    const until = await findStretchEnd(client, { ...walk, from }, limits.atOnce)
    const executions = await listAllExecutions(client, within(walk.query, { from, until }))
    found.push(...executions.filter((execution) => !walk.after || inOrder(walk.after, execution) < 0))
    from = until
  }
  return { executions: found.sort(inOrder), complete: from >= walk.until }
}

/**
 * The end of a stretch from `from` on that holds enough and not too many. Starts with a short one, because the cost of counting
 * grows with the count, and extends it by what it finds; if that was too far, it narrows it down.
 */
async function findStretchEnd(
  client: Client,
  { query, from, until, wanted }: Walk,
  atOnce: number,
): Promise<number> {
  const counted = async (reachMs: number): Promise<StretchCount> => {
    return { reachMs, count: await countExecutions(client, within(query, { from, until: from + reachMs })) }
  }
  let low: StretchCount = { reachMs: 0, count: 0 }
  for (;;) {
    const next = await counted(Math.min(until - from, grown(low, wanted)))
    if (next.count > atOnce) return from + (await narrowed(counted, low, next, { wanted, atOnce }))
    if (next.count >= wanted || from + next.reachMs === until) return from + next.reachMs
    low = next
  }
}

/** The number of executions in a stretch of this length. */
interface StretchCount {
  reachMs: number
  count: number
}

const minStretchMs = 1_000
const growth = { least: 1.25, most: 8 }

function grown({ reachMs, count }: StretchCount, wanted: number): number {
  if (reachMs === 0) return minStretchMs
  const enough = (1.5 * wanted) / count
  return Math.ceil(reachMs * Math.min(Math.max(enough, growth.least), growth.most))
}

/** The length of a stretch that holds enough and not too many, between one that does not and one that holds too many. */
async function narrowed(
  counted: (reachMs: number) => Promise<StretchCount>,
  low: StretchCount,
  high: StretchCount,
  { wanted, atOnce }: { wanted: number; atOnce: number },
): Promise<number> {
  for (let step = 0; high.reachMs - low.reachMs > 1; step++) {
    const next = await counted(between(low, high, wanted, step))
    if (next.count > atOnce) high = next
    else if (next.count >= wanted) return next.reachMs
    else low = next
  }
  return low.count > 0 ? low.reachMs : high.reachMs
}

/** Guesses by density and halves every other time, because density varies. */
function between(low: StretchCount, high: StretchCount, wanted: number, step: number): number {
  const share = step % 2 === 0 ? (1.5 * wanted - low.count) / (high.count - low.count) : 0.5
  const guess = low.reachMs + Math.round((high.reachMs - low.reachMs) * share)
  return Math.min(Math.max(guess, low.reachMs + 1), high.reachMs - 1)
}

export interface NewestWalk {
  /** A visibility query. It may have conditions on `StartTime`. */
  query: string
  /** Only executions after this position in the walk, that is, started before it. */
  after?: WalkPosition
  /** The mean time between two starts, as an earlier part of the same walk found it. */
  meanGapMs?: number
  /** At least this many are wanted, if there are that many. */
  wanted: number
}

/**
 * The newest executions that a query finds, newest first. The length of the stretch is estimated from what the walk found before,
 * or from the few executions that the server lists first: running ones, then the newest-ended. Those may be slow ones, so the
 * stretch is counted before it is read: reading one execution costs as much as counting about sixty.
 */
export async function walkNewestFirst(
  client: Client,
  { query, after, meanGapMs, wanted }: NewestWalk,
  limits = { sample: 20, atOnce: Math.min(maxPageSize, Math.max(50, maxOvershoot * wanted)) },
): Promise<WalkResult & { meanGapMs: number }> {
  const found: Execution[] = []
  const add = (executions: Execution[]) =>
    found.push(...executions.filter((one) => !after || inOrder(one, after) < 0).sort(newestFirst))
  let until = after && startMs(after) + 1
  let density: Density | undefined = meanGapMs && until ? { newest: until, gapMs: meanGapMs } : undefined
  while (found.length < wanted) {
    if (!density) {
      const sample = await listExecutions(client, within(query, { until }), limits.sample)
      if (sample.nextCursor === null) {
        add(sample.executions)
        return { executions: found, complete: true, meanGapMs: meanGap(found) }
      }
      density = measureDensity(sample.executions)
    }
    const missing = wanted - found.length
    const from = await findStretchStart(client, { query, until, wanted: missing, density }, limits.atOnce)
    const stretch = await listAllExecutions(client, within(query, { from, until }))
    add(stretch)
    density = stretch.length > missing / 2 ? { ...density, newest: from } : undefined
    until = from
  }
  return { executions: found, complete: false, meanGapMs: meanGap(found) }
}

/** The newest is about this old (Unix ms), and about so much time passes from one start to the next. */
interface Density {
  newest: number
  gapMs: number
}

/** Uses the newer half, because the older one is more likely to have gaps. */
function measureDensity(sample: Execution[]): Density {
  const newerHalf = sample.sort(newestFirst).slice(0, Math.ceil(sample.length / 2))
  const [newest] = newerHalf
  return { newest: newest ? startMs(newest) : Date.now(), gapMs: meanGap(newerHalf) }
}

/** The mean time from one start to the next. */
function meanGap(sorted: readonly Execution[]): number {
  const [newest] = sorted
  const oldest = sorted.at(-1)
  return newest && oldest ? Math.max(1, (startMs(newest) - startMs(oldest)) / sorted.length) : 1
}

/** The start of a stretch that is expected to hold enough, and that does not hold too many. */
async function findStretchStart(
  client: Client,
  { query, until, wanted, density }: Pick<NewestWalk, 'query' | 'wanted'> & Stretch & { density: Density },
  atOnce: number,
): Promise<number> {
  const end = until ?? Math.max(Date.now(), density.newest + 1)
  const counted = async (reachMs: number): Promise<StretchCount> => {
    return { reachMs, count: await countExecutions(client, within(query, { from: end - reachMs, until })) }
  }
  const nearMs = end - Math.min(density.newest, end - 1)
  const guess = await counted(Math.min(end, nearMs + Math.ceil(1.5 * wanted * density.gapMs)))
  if (guess.count <= atOnce) return end - guess.reachMs
  const near = await counted(nearMs)
  const [low, high] = near.count > atOnce ? [{ reachMs: 0, count: 0 }, near] : [near, guess]
  return end - (await narrowed(counted, low, high, { wanted, atOnce }))
}

/** Unix times in milliseconds; `from` is inclusive, `until` is not. */
interface Stretch {
  from?: number
  until?: number
}

function within(query: string, { from, until }: Stretch): string {
  const bounds = [
    from !== undefined && `StartTime >= ${quotedTime(from)}`,
    until !== undefined && `StartTime < ${quotedTime(until)}`,
  ]
  return [query, ...bounds].filter(Boolean).join(' AND ')
}

function startMs({ startedAt }: WalkPosition): number {
  return Number(startedAt / 1_000_000n)
}

function inOrder(left: WalkPosition, right: WalkPosition): number {
  if (left.startedAt !== right.startedAt) return left.startedAt < right.startedAt ? -1 : 1
  return left.workflowId < right.workflowId ? -1 : left.workflowId > right.workflowId ? 1 : 0
}

function newestFirst(left: WalkPosition, right: WalkPosition): number {
  return inOrder(right, left)
}
