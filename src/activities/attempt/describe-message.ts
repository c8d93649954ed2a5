import type { Channel } from '../../channels/channel.ts'
import type { Composition } from '../../templates/composition.ts'
import { withContext } from '../../channels/message-context.ts'
import { addTitle } from '../../compute/add-title.ts'
import { findDestinationNames, findMessageNames } from '../../db/destinations/message-names.ts'
import { sampleRuleContext } from '../../domain/rules/context.ts'
import type { RuleContext } from '../../domain/rules/cause.ts'
import type { AttemptRequest } from './request.ts'
import type { ActivityDeps } from '../deps.ts'

/** Adds the names and links that people and templates see besides the event. */
export async function describeMessage(
  { db, compute }: Pick<ActivityDeps, 'db' | 'compute'>,
  channel: Channel | undefined,
  of: Composition,
  { rule, template }: AttemptRequest,
): Promise<Composition> {
  if (!channel || (channel.forPrograms && template === undefined)) return of
  const { event } = of
  const [{ tenant, titles }, names] = await Promise.all([
    findMessageNames(db, event, event.type),
    findDestinationNames(db, event, failed(rule)),
  ])
  const context = event.test ? sampleRuleContext(Date.now()) : rule
  const described = withContext(of, { tenant, names, rule: context })
  return addTitle(compute, described, { titles, cause: context?.cause })
}

function failed(rule: RuleContext | undefined): string[] {
  return rule?.cause?.kind === 'fallback' ? rule.cause.failures.map(({ destinationId }) => destinationId) : []
}
