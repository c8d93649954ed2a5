import { z } from 'zod'
import { addressKey, recipientStatuses, type RecipientStatus } from '../../domain/email/consent.ts'
import { taggedParts } from '../../domain/email/mailbox.ts'
import type { RecipientRef } from '../../domain/email/link.ts'
import type { Scope } from './destinations.ts'
import type { Tx } from '../client.ts'
import type { EmailRecipient as Row } from '../generated/client.ts'

/** A recipient of an email destination, and whether it wants its mail. */
export interface EmailRecipient extends RecipientRef {
  status: RecipientStatus
  statusAt: Date
  /** When it was last asked to confirm. */
  askedAt: Date | undefined
}

const status = z.enum(recipientStatuses)

/** The recipients of several destinations, including removed addresses that have unsubscribed. */
export async function readRecipients(db: Tx, destinationIds: readonly string[]): Promise<EmailRecipient[]> {
  const rows = await db.emailRecipient.findMany({
    where: { destinationId: { in: [...destinationIds] } },
    orderBy: [{ destinationId: 'asc' }, { address: 'asc' }],
  })
  return rows.map(open)
}

export async function findRecipient(db: Tx, { destinationId, address }: RecipientRef) {
  const row = await db.emailRecipient.findUnique({
    where: { destinationId_address: { destinationId, address } },
  })
  return row ? open(row) : undefined
}

/** A tenant's recipients whose confirmation request is still to be sent, because the destination is new or sending failed. */
export async function unaskedRecipients(db: Tx, scope: Scope, most: number): Promise<EmailRecipient[]> {
  const rows = await db.emailRecipient.findMany({
    where: { status: 'asked', askedAt: null, destination: { ...scope } },
    orderBy: { statusAt: 'asc' },
    take: most,
  })
  return rows.map(open)
}

/**
 * Synchronises a destination's recipients with its config. New ones start with `status`. Removed ones are deleted unless they
 * have unsubscribed, so that adding them again does not undo that.
 */
export async function keepRecipients(
  tx: Tx,
  destinationId: string,
  addresses: readonly string[],
  status: RecipientStatus,
): Promise<void> {
  const keys = [...new Set(addresses.map(addressKey))]
  await tx.emailRecipient.deleteMany({
    where: { destinationId, address: { notIn: keys }, status: { not: 'unsubscribed' } },
  })
  await addRecipients(tx, destinationId, keys, status)
}

/** Those of the addresses that had unsubscribed from a destination of this environment that was deleted later. */
export async function unsubscribedBefore(tx: Tx, scope: Scope, addresses: readonly string[]) {
  const { tenantId, environment } = scope
  const rows = await tx.unsubscribedAddress.findMany({
    where: { tenantId, environment, address: { in: [...addresses] } },
    select: { address: true },
  })
  return rows.map(({ address }) => address)
}

/**
 * Call before a destination is deleted: remembers who has unsubscribed from it, because creating it again must not undo that.
 * Recipients who have been readmitted since, by a confirmation or by the platform, are removed from that memory.
 */
export async function rememberUnsubscribed(tx: Tx, scope: Scope, destinationId: string): Promise<void> {
  const { tenantId, environment } = scope
  for (const { address, status: text, statusAt: at } of await readRecipients(tx, [destinationId])) {
    const owner = { tenantId, environment, address }
    if (text === 'unsubscribed')
      await tx.unsubscribedAddress.upsert({
        where: { tenantId_environment_address: owner },
        create: { ...owner, at },
        update: { at },
      })
    else if (text !== 'asked')
      await tx.unsubscribedAddress.deleteMany({ where: { ...owner, at: { lt: at } } })
  }
}

/** Addresses of these mailboxes, whatever their tags, that have not answered: once for each destination of the environment. */
export async function unansweredAddresses(
  tx: Tx,
  { tenantId, environment }: Scope,
  addresses: readonly string[],
): Promise<string[]> {
  const rows = await tx.emailRecipient.findMany({
    where: {
      status: 'asked',
      destination: { tenantId, environment },
      OR: addresses
        .map(taggedParts)
        .flatMap(({ plain, prefix, suffix }) => [
          { address: plain },
          { address: { startsWith: prefix, endsWith: suffix } },
        ]),
    },
    select: { address: true },
  })
  return rows.map(({ address }) => address)
}

/** Adds recipients that do not exist yet. Addresses are lower-case. */
export async function addRecipients(
  db: Tx,
  destinationId: string,
  addresses: readonly string[],
  status: RecipientStatus,
): Promise<void> {
  const statusAt = new Date()
  await db.emailRecipient.createMany({
    data: addresses.map((address) => ({ destinationId, address, status, statusAt })),
    skipDuplicates: true,
  })
}

/** Those of the addresses that are not yet recipients of the destination. */
export async function newAddresses(
  tx: Tx,
  destinationId: string | undefined,
  addresses: readonly string[],
): Promise<string[]> {
  const keys = [...new Set(addresses.map(addressKey))]
  if (destinationId === undefined) return keys
  const known = await tx.emailRecipient.findMany({
    where: { destinationId, address: { in: keys } },
    select: { address: true },
  })
  return keys.filter((key) => !known.some(({ address }) => address === key))
}

/** Sets a recipient's status, creating the recipient if needed. */
export async function setRecipientStatus(
  tx: Tx,
  { destinationId, address }: RecipientRef,
  status: RecipientStatus,
): Promise<EmailRecipient> {
  const data = { status, statusAt: new Date() }
  const row = await tx.emailRecipient.upsert({
    where: { destinationId_address: { destinationId, address } },
    create: { destinationId, address, ...data },
    update: data,
  })
  return open(row)
}

/** Records that a recipient was asked, unless that was already recorded or its status has changed. */
export async function recordAsked(db: Tx, { destinationId, address, askedAt }: EmailRecipient, at: Date) {
  await db.emailRecipient.updateMany({
    where: { destinationId, address, status: 'asked', askedAt: askedAt ?? null },
    data: { askedAt: at },
  })
}

function open({ destinationId, address, status: text, statusAt, askedAt }: Row): EmailRecipient {
  return { destinationId, address, status: status.parse(text), statusAt, askedAt: askedAt ?? undefined }
}
