import pMap from 'p-map'
import { findNamed, type Scope } from '../../db/destinations/destinations.ts'
import {
  recordAsked,
  unaskedRecipients,
  type EmailRecipient,
} from '../../db/destinations/email-recipients.ts'
import { confirmationNews } from '../../domain/operational.ts'
import { emitOperationalEvent } from '../../temporal/operational-events.ts'
import type { AppDeps } from '../deps.ts'

export type AskingDeps = Pick<AppDeps, 'db' | 'temporal' | 'eagerStart' | 'log'>

/** What is beyond it is asked with the next change, or by the first event that would have gone there. */
const mostAtOnce = 100
const concurrency = 10
const deadlineMs = 3_000

/**
 * Asks those of a tenant to confirm whom nobody has asked yet, once what makes them recipients is committed. Who could not be asked
 * has no `askedAt`: this is tried again with every change, and by attempts.
 */
export async function askNewRecipients(deps: AskingDeps, scope: Scope): Promise<void> {
  const recipients = await unaskedRecipients(deps.db, scope, mostAtOnce)
  if (recipients.length > 0) await askRecipients(deps, scope, recipients)
}

/** Starts the event that asks, and notes that for each that was started. */
export async function askRecipients(
  deps: AskingDeps,
  scope: Scope,
  recipients: readonly EmailRecipient[],
): Promise<void> {
  const { temporal, log } = deps
  try {
    await temporal.withDeadline(Date.now() + deadlineMs, () =>
      pMap(recipients, (recipient) => ask(deps, scope, recipient), { concurrency }),
    )
  } catch (err) {
    log.warn({ err, ...scope }, 'email.confirmation-not-started')
  }
}

async function ask(
  { db, temporal, eagerStart: eager }: AskingDeps,
  scope: Scope,
  recipient: EmailRecipient,
): Promise<void> {
  const { destinationId, address, statusAt, askedAt } = recipient
  const destination = await findNamed(db, scope, destinationId)
  if (!destination) return
  const at = new Date()
  const news = confirmationNews({ ...scope, ...destination }, { address, after: askedAt ?? statusAt, at })
  await emitOperationalEvent(temporal, news, { eager })
  await recordAsked(db, recipient, at)
}
