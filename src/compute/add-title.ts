import type { Composition } from '../channels/channel.ts'
import { plainTitle } from '../channels/message-title.ts'
import type { Cause } from '../domain/rule-context.ts'
import type { Compute } from './compute.ts'
import { OverBudget } from './over-budget.ts'
import { packComposition } from './payload.ts'

/** A message is not sent too late because its title waits for its tenant's turn. */
const maxWaitMs = 2_000

/** Gives a message its title, of those that tenants write in Liquid. A tenant that is over its budget gets plain ones. */
export async function addTitle(
  compute: Compute,
  of: Composition,
  { titles, cause }: { titles: readonly string[]; cause?: Cause | undefined },
): Promise<Composition> {
  if (titles.length === 0) return { ...of, title: plainTitle(of.event, cause) }
  try {
    const input = { titles, cause, ...packComposition(of) }
    return { ...of, title: await compute.run(of.event.tenantId, 'makeTitle', input, { maxWaitMs }) }
  } catch (error) {
    if (!(error instanceof OverBudget)) throw error
    return { ...of, title: plainTitle(of.event, cause) }
  }
}
