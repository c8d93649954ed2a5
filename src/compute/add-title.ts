import type { Composition } from '../templates/composition.ts'
import { plainTitle } from '../templates/message-title.ts'
import type { Cause } from '../domain/rules/cause.ts'
import { maxMessageWaitMs, type Compute } from './compute.ts'
import { OverBudget } from './over-budget.ts'
import { packComposition } from './payload.ts'

/**
 * Adds a message's title: the first of these Liquid titles that applies to its event. The default title is used if none does or
 * the tenant is over its budget.
 */
export async function addTitle(
  compute: Compute,
  of: Composition,
  { titles, cause }: { titles: readonly string[]; cause?: Cause },
): Promise<Composition> {
  const plain = { ...of, title: plainTitle(of.event, cause) }
  if (titles.length === 0) return plain
  const input = { titles, cause, ...packComposition(of) }
  const options = { maxWaitMs: maxMessageWaitMs }
  try {
    return { ...of, title: await compute.run(of.event.tenantId, 'makeTitle', input, options) }
  } catch (error) {
    if (error instanceof OverBudget) return plain
    throw error
  }
}
