import pMap from 'p-map'
import { findNamed, type Scope } from '../../db/destinations/destinations.ts'
import {
  recordAsked,
  unaskedRecipients,
  type EmailRecipient,
} from '../../db/destinations/email-recipients.ts'
import { askToConfirm } from '../../temporal/operational-events.ts'
import type { AppDeps } from '../deps.ts'

export type AskingDeps = Pick<AppDeps, 'db' | 'temporal' | 'eagerStart' | 'log'>

/** Recipients beyond this number are asked after the next change, or by the first event for the destination. */
const maxAtOnce = 100
const concurrency = 10
const deadlineMs = 3_000

/**
 * Asks a tenant's recipients for confirmation if they have not been asked yet. Call this once the change that adds them is
 * committed. A recipient who could not be asked keeps no `askedAt`, so every later change and every attempt tries again.
 */
export async function askNewRecipients(deps: AskingDeps, scope: Scope): Promise<void> {
  const recipients = await unaskedRecipients(deps.db, scope, maxAtOnce)
  if (recipients.length > 0) await askRecipients(deps, scope, recipients)
}

/** Starts the event that asks each recipient, and stores when each was asked. */
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
  const destination = await findNamed(db, scope, recipient.destinationId)
  if (!destination) return
  const askedAt = await askToConfirm(temporal, { ...scope, ...destination }, recipient, { eager })
  await recordAsked(db, recipient, askedAt)
}
