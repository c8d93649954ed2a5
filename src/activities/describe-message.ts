import type { Channel, Composition } from '../channels/channel.ts'
import { withContext } from '../channels/message-context.ts'
import { findDestinationNames, findMessageNames } from '../db/message-names.ts'
import { sampleRuleContext, type RuleContext } from '../domain/rule-context.ts'
import type { AttemptRequest } from './attempt.ts'
import type { ActivityDeps } from './index.ts'

/** Adds to a message what people, or a template, are told besides the event. */
export async function describeMessage(
  { db }: Pick<ActivityDeps, 'db'>,
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
  return withContext(of, { tenant, titles, names, rule: event.test ? sampleRuleContext(Date.now()) : rule })
}

function failed(rule: RuleContext | undefined): string[] {
  return rule?.cause?.kind === 'fallback' ? rule.cause.failures.map(({ destinationId }) => destinationId) : []
}
