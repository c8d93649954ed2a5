import { redactedPaths } from '../../db/redaction.ts'
import type { Event } from '../../domain/event.ts'
import type { Outcome } from '../../domain/delivery/outcome.ts'
import { createRedaction } from '../../domain/redaction/payload.ts'
import { redacted } from '../../domain/redaction/redaction.ts'
import type { AttemptRequest } from './request.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Rendered } from './render.ts'
import type { Target } from '../target.ts'

interface AttemptMade extends Pick<Rendered, 'template' | 'templateFault'> {
  target: Target
  request: AttemptRequest
  durationMs: number
  outcome: Outcome
}

/** Writes the one log line of an attempt. Its error may quote the event and is redacted like the delivery log. */
export async function logAttempt(
  deps: Pick<ActivityDeps, 'db' | 'log'>,
  event: Event,
  { target, request, durationMs, outcome, template, templateFault }: AttemptMade,
): Promise<void> {
  const fault = outcome.kind === 'delivered' ? undefined : outcome
  const clean = fault || templateFault !== undefined ? await quotationRemover(deps, event) : String
  deps.log.info(
    {
      tenantId: event.tenantId,
      environment: event.environment,
      eventId: event.id,
      destinationId: target.id,
      channel: target.channel,
      attempt: request.number,
      outcome: outcome.kind,
      responseCode: outcome.responseCode,
      error: fault && clean(fault.error),
      errorClass: fault?.errorClass,
      template: template?.id,
      templateFault: templateFault === undefined ? undefined : clean(templateFault),
      durationMs,
    },
    'delivery.attempted',
  )
}

/** The attempt was made and must not be repeated because of this: if the redacted paths cannot be read, nothing is quoted. */
async function quotationRemover(
  { db }: Pick<ActivityDeps, 'db'>,
  event: Event,
): Promise<(text: string) => string> {
  try {
    return createRedaction(event, await redactedPaths(db, event.tenantId)).text
  } catch {
    return () => redacted
  }
}
