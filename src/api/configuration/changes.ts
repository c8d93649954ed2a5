import type { Compute } from '../../compute/compute.ts'
import { OverBudget } from '../../compute/over-budget.ts'
import type { JsonObject } from '../../domain/event.ts'
import type { Kind } from './document.ts'

export const changeKinds = ['created', 'changed', 'deleted', 'unchanged'] as const

/** The effect of applying a document on one thing. */
export interface Change {
  kind: Kind
  name: string
  id: string
  change: (typeof changeKinds)[number]
  /** Absent if the thing is unchanged. */
  sides?: Sides
}

export type ShownChange = Omit<Change, 'sides'> & {
  /** Unified diff of the thing's YAML before and after. */
  diff?: string
}

export interface Sides {
  before?: Side
  after?: Side
}

/** One side of a diff. */
export interface Side {
  entry: JsonObject
  /** A rule's position in the order, if it changes. */
  place?: number
}

export function describeChange(kind: Kind, { id, name }: { id: string; name: string }, sides: Sides): Change {
  const { before, after } = sides
  return { kind, name, id, change: before ? (after ? 'changed' : 'deleted') : 'created', sides }
}

/** Adds the diffs, which are computed on a thread. Changes that were applied are reported even if their diff cannot be computed. */
export async function showChanges(
  compute: Compute,
  tenantId: string,
  changes: readonly Change[],
): Promise<ShownChange[]> {
  const differing = changes.flatMap(({ kind, name, sides }) =>
    sides ? [{ name: `${kind} ${name}`, ...sides }] : [],
  )
  const diffs = (await makeDiffs(compute, tenantId, differing)).values()
  return changes.map(({ sides, ...change }) =>
    sides ? { ...change, diff: diffs.next().value ?? '' } : change,
  )
}

async function makeDiffs(
  compute: Compute,
  tenantId: string,
  changes: readonly (Sides & { name: string })[],
): Promise<string[]> {
  if (changes.length === 0) return []
  try {
    return await compute.run(tenantId, 'diffEntries', { changes })
  } catch (error) {
    if (!(error instanceof OverBudget)) throw error
    return changes.map(({ name }) => `# ${name}: not shown because the comparison ${error.message}\n`)
  }
}
