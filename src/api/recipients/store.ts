import { z } from 'zod'
import type { Channel, People } from '../../channels/channel.ts'
import type { Tx } from '../../db/client.ts'
import type { Destination, Scope } from '../../db/destinations/destinations.ts'
import {
  addRecipients,
  keepRecipients,
  newAddresses,
  readRecipients,
  unansweredAddresses,
  unsubscribedBefore,
  type EmailRecipient,
} from '../../db/destinations/email-recipients.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { addressKey, recipientStatuses, type RecipientStatus } from '../../domain/email/consent.ts'
import { maxUnanswered } from '../../domain/email/mail-limits.ts'
import { mailboxKey } from '../../domain/email/mailbox.ts'
import type { AppDeps } from '../deps.ts'
import { getChannel } from '../fields/channel.ts'
import { invalid } from '../errors.ts'

export const recipientReply = z
  .object({
    address: z.string(),
    status: z.enum(recipientStatuses).meta({
      description:
        '`asked`: gets no mail until it confirms; `confirmed`; `vouched`: the platform vouches for it; `unsubscribed`.',
    }),
    statusAt: z.string(),
    askedAt: z.string().optional().meta({
      description:
        'When the latest confirmation request was handed to delivery; absent before the first one.',
    }),
  })
  .meta({ id: 'Recipient' })
export type RecipientReply = z.output<typeof recipientReply>

/**
 * Updates a destination's recipients to match its config, in the transaction that writes it. New ones must confirm, unless the
 * platform vouches for the tenant's recipients.
 */
export async function writeRecipients(
  { db, publicUrl }: Pick<AppDeps, 'publicUrl'> & { db: Tx },
  channel: Channel,
  { id, tenantId, environment, config }: Pick<Destination, 'id' | 'tenantId' | 'environment' | 'config'>,
): Promise<void> {
  const { people } = channel
  const addresses = people?.recipients(config) ?? []
  if (!people || addresses.length === 0) return
  const added = await newAddresses(db, id, addresses)
  const status = added.length > 0 ? await statusOfNew(db, tenantId) : 'asked'
  if (added.length > 0) {
    if (status === 'asked') requireLinks(publicUrl, people)
    const unsubscribed = await unsubscribedBefore(db, { tenantId, environment }, added)
    await addRecipients(db, id, unsubscribed, 'unsubscribed')
  }
  await keepRecipients(db, id, addresses, status)
  if (added.length > 0 && status === 'asked')
    await requireAnswers(db, { tenantId, environment }, added, people)
}

/** Limits the number of unconfirmed recipients per mailbox, counting all addresses that lead to it. */
async function requireAnswers(
  db: Tx,
  scope: Scope,
  added: readonly string[],
  people: People<unknown>,
): Promise<void> {
  const unanswered = (await unansweredAddresses(db, scope, added)).map(mailboxKey)
  for (const mailbox of new Set(unanswered)) {
    const count = unanswered.filter((one) => one === mailbox).length
    if (count > maxUnanswered)
      throw invalid([{ path: recipientsPath(people), message: tooManyUnanswered(mailbox, count) }])
  }
}

function recipientsPath({ field }: People<unknown>): string {
  return `config.${field}`
}

function tooManyUnanswered(mailbox: string, count: number): string {
  return `has too many unconfirmed recipients at ${mailbox}: ${count} across all destinations, including tagged addresses (+…); the limit is ${maxUnanswered}`
}

/** Confirmation links require a public URL. */
export function requireLinks(publicUrl: string | undefined, people: People<unknown>): void {
  if (publicUrl !== undefined) return
  const message =
    'has recipients who must confirm first, but confirmation links cannot be created; the operator must set PUBLIC_URL or vouch for the recipients'
  throw invalid([{ path: recipientsPath(people), message }])
}

async function statusOfNew(db: Tx, tenantId: string): Promise<RecipientStatus> {
  const { emailConsent } = await db.tenant.findUniqueOrThrow({
    where: { id: tenantId },
    select: { emailConsent: true },
  })
  return emailConsent === 'vouched' ? 'vouched' : 'asked'
}

/** Returns the recipients in a config for responses, in the config's order; nothing for channels that reach no people. */
export async function listRecipients(
  db: Tx,
  destinations: readonly Destination[],
): Promise<ReadonlyMap<string, RecipientReply[]>> {
  const named = destinations.map(({ id, channel, config }) => ({
    id,
    addresses: [...new Set(getChannel(channel).people?.recipients(config).map(addressKey))],
  }))
  const people = named.filter(({ addresses }) => addresses.length > 0)
  if (people.length === 0) return new Map()
  const rows = await readRecipients(
    db,
    people.map(({ id }) => id),
  )
  return new Map(
    people.map(({ id, addresses }) => {
      const own = rows.filter(({ destinationId }) => destinationId === id)
      return [
        id,
        addresses.flatMap((key) => own.find(({ address }) => address === key) ?? []).map(showRecipient),
      ]
    }),
  )
}

export function showRecipient({ address, status, statusAt, askedAt }: EmailRecipient): RecipientReply {
  return definedOnly({
    address,
    status,
    statusAt: statusAt.toISOString(),
    askedAt: askedAt?.toISOString(),
  })
}
