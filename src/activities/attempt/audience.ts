import { getClient } from '@temporalio/activity'
import type { Channel, People, Recipient } from '../../channels/channel.ts'
import {
  addRecipients,
  recordAsked,
  readRecipients,
  type EmailRecipient,
} from '../../db/destinations/email-recipients.ts'
import {
  addressKey,
  mayBeMailed,
  distinctAddresses,
  noRecipientConfirmed,
  whyLeftOut,
} from '../../domain/email/consent.ts'
import type { AttemptResult, SettledRecipients } from '../../domain/delivery/outcome.ts'
import { askToConfirm } from '../../temporal/operational-events.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Target } from '../target.ts'

/** The recipients of an attempt. */
export interface Audience {
  recipients: readonly Recipient[]
  /** The recipients who are left out, and why. */
  leftOut?: string
}

type Skipped = AttemptResult & { kind: 'skipped' }

/**
 * The destination's recipients who have confirmed and have not received the message in an earlier attempt, or the reason why
 * there are none. `undefined` for channels without recipients.
 */
export async function findAudience(
  deps: ActivityDeps,
  channel: Channel | undefined,
  target: Target,
  settled: SettledRecipients | undefined,
): Promise<Audience | Skipped | undefined> {
  const addresses = distinctAddresses(channel?.people?.recipients(target.config) ?? [])
  if (addresses.length === 0) return undefined
  const known = await readConsents(deps, target, addresses)
  await requestConfirmations(deps, target, known)
  const leftOut = whyLeftOut(known)
  const agreed = known.filter(mayBeMailed)
  if (agreed.length === 0) return { kind: 'skipped', reason: noRecipientConfirmed(leftOut), missed: true }
  const done = new Set([...(settled?.reached ?? []), ...(settled?.refused ?? [])].map(addressKey))
  const recipients = agreed.filter(({ address }) => !done.has(addressKey(address)))
  return { recipients: recipients.map((one) => toRecipient(deps, target, one)), leftOut }
}

export function toRecipient(
  { emailLinks }: Pick<ActivityDeps, 'emailLinks'>,
  { id: destinationId }: Pick<Target, 'id'>,
  { address }: Pick<Recipient, 'address'>,
): Recipient {
  return { address, unsubscribeUrl: emailLinks?.unsubscribe({ destinationId, address: addressKey(address) }) }
}

/** Keeps the spelling and order of the config. Recipients written by an earlier release have no row yet and count as asked. */
async function readConsents(
  { db }: ActivityDeps,
  { id }: Target,
  addresses: readonly string[],
): Promise<EmailRecipient[]> {
  const known = await readRecipients(db, [id])
  const unknown = addresses.map(addressKey).filter((key) => !known.some(({ address }) => address === key))
  if (unknown.length > 0) await addRecipients(db, id, unknown, 'asked')
  const all = unknown.length > 0 ? await readRecipients(db, [id]) : known
  return addresses.flatMap((address) => {
    const row = all.find((one) => one.address === addressKey(address))
    return row ? { ...row, address } : []
  })
}

/**
 * Sends the confirmation requests that the API has not sent: its process may have ended between writing a destination and asking
 * its recipients. A request that fails here is retried with the next event.
 */
async function requestConfirmations(
  { db, log }: ActivityDeps,
  target: Target,
  recipients: readonly EmailRecipient[],
): Promise<void> {
  for (const recipient of recipients.filter(({ status, askedAt }) => status === 'asked' && !askedAt)) {
    const asked = { ...recipient, address: addressKey(recipient.address) }
    try {
      await recordAsked(db, asked, await askToConfirm(getClient(), target, asked, { eager: false }))
    } catch (err) {
      log.warn({ err, destinationId: target.id }, 'email.confirmation-not-started')
    }
  }
}

/** Returns the recipient to ask for confirmation, or why it must not be asked. */
export async function findRecipientToAsk(
  { db }: ActivityDeps,
  channel: Channel | undefined,
  { id, config }: Target,
  address: string,
): Promise<{ skip: Skipped } | { people: People<unknown>; recipient: EmailRecipient }> {
  const people = channel?.people
  const named = people?.recipients(config).some((one) => addressKey(one) === address)
  const recipient = (await readRecipients(db, [id])).find((one) => one.address === address)
  if (!people || !named || !recipient) return skip('it is no longer a recipient of the destination')
  if (recipient.status === 'asked') return { people, recipient }
  return skip(recipient.status === 'unsubscribed' ? 'it has unsubscribed' : 'it has already confirmed')
}

function skip(why: string): { skip: Skipped } {
  return { skip: { kind: 'skipped', reason: `no confirmation request was sent to the address: ${why}` } }
}
