import { readDigest } from '../domain/digest.ts'
import { causeInWords } from '../domain/rules/context.ts'
import type { RuleContext } from '../domain/rules/cause.ts'
import type { Composition } from '../templates/composition.ts'
import { digestReason } from '../templates/digest.ts'

/** Facts about an event's routing that a message about it can show. */
export interface MessageContext {
  tenant?: string
  rule?: RuleContext & { reason?: string }
  /** Names of the destinations that a rule's reason mentions, by id. */
  names?: ReadonlyMap<string, string>
}

/** Adds the tenant, the rule and the reason to a message. */
export function withContext(
  of: Composition,
  { tenant, rule, names = new Map() }: MessageContext,
): Composition {
  const digest = readDigest(of.event)
  const cause = rule?.cause
  return {
    ...of,
    tenant,
    rule: rule?.name,
    reason: cause ? causeInWords(cause, names) : (rule?.reason ?? (digest && digestReason(digest))),
    acknowledgeBy: of.acknowledgeUrl === undefined && !of.event.test ? undefined : rule?.acknowledgeBy,
  }
}
