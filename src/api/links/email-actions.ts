import { recordAudit } from '../../db/audit/audit.ts'
import { inTenantTurn, type Tx } from '../../db/client.ts'
import {
  findRecipient,
  setRecipientStatus,
  type EmailRecipient,
} from '../../db/destinations/email-recipients.ts'
import { addressKey, mayBeMailed, type RecipientStatus } from '../../domain/email/consent.ts'
import { createEmailLinks, type ConfirmRef, type RecipientRef } from '../../domain/email/link.ts'
import { environments, type Environment } from '../../domain/event.ts'
import { unsubscribedNews } from '../../domain/operational.ts'
import type { AppDeps } from '../deps.ts'
import { getChannel } from '../fields/channel.ts'
import { tell } from '../destinations/news.ts'
import { formatTime } from '../pages/acknowledge.ts'
import type { EmailView, ShownMail } from '../pages/email.ts'
import { asJson } from '../audit/writer.ts'

/** The current state of a link's destination and recipient. */
interface Standing {
  destination: { id: string; name: string; channel: string; tenantId: string; environment: Environment }
  mail: ShownMail
  /** True if the destination's config contains the address. */
  named: boolean
  recipient: EmailRecipient | undefined
}

const gone: EmailView = { state: 'gone' }

export async function viewConfirming({ db }: AppDeps, ref: ConfirmRef): Promise<EmailView> {
  return confirming(await readStanding(db, ref), ref)
}

export async function viewUnsubscribing({ db }: AppDeps, ref: RecipientRef): Promise<EmailView> {
  return unsubscribing(await readStanding(db, ref))
}

export function confirm(deps: AppDeps, ref: ConfirmRef, address: string | undefined): Promise<EmailView> {
  return inTurn(deps, ref, async (tx, standing) => {
    const view = confirming(standing, ref)
    if (view.state !== 'confirm') return view
    await write(tx, standing, ref, { status: 'confirmed', address })
    return { state: 'confirmed', mail: standing.mail }
  })
}

/**
 * Unsubscribes an address. This is also recorded for an address that was removed from the config, because it may be added again. A
 * failure to tell the tenant is only logged: an unsubscribed person must not get mail because something does not respond.
 */
export async function unsubscribe(
  deps: AppDeps,
  ref: RecipientRef,
  address: string | undefined,
): Promise<EmailView> {
  let done: { standing: Standing; at: Date } | undefined
  const view = await inTurn(deps, ref, async (tx, standing) => {
    const { mail, recipient } = standing
    if (recipient?.status === 'unsubscribed') return { state: 'unsubscribed', mail }
    const { statusAt: at } = await write(tx, standing, ref, { status: 'unsubscribed', address })
    done = { standing, at }
    return { state: 'unsubscribed', mail, ...undoLink(deps, ref, standing, at) }
  })
  if (done) {
    const news = unsubscribedNews(done.standing.destination, { address: ref.address, at: done.at })
    await tell(deps, news).catch((err: unknown) =>
      deps.log.warn({ err, destinationId: ref.destinationId }, 'email.unsubscribed-not-told'),
    )
  }
  return view
}

/** For people who pressed the button by mistake. People who find the link later cannot use it. */
const undoWithinMs = 3600_000

function undoLink(
  { publicUrl, secretKeys }: AppDeps,
  ref: RecipientRef,
  { named }: Standing,
  at: Date,
): { undo?: string } {
  if (publicUrl === undefined || !named) return {}
  const undo = { ...ref, since: at.getTime(), expiresAt: Date.now() + undoWithinMs }
  return { undo: createEmailLinks(publicUrl, secretKeys).confirm(undo) }
}

function confirming(standing: Standing | undefined, { since, expiresAt }: ConfirmRef): EmailView {
  if (!standing?.named || !standing.recipient) return gone
  const { mail, recipient } = standing
  if (mayBeMailed(recipient)) return { state: 'confirmed', mail }
  if (recipient.statusAt.getTime() === since && Date.now() < expiresAt)
    return { state: 'confirm', mail, until: formatTime(new Date(expiresAt)) }
  return recipient.status === 'unsubscribed' ? { state: 'unsubscribed', mail } : { state: 'expired', mail }
}

function unsubscribing(standing: Standing | undefined): EmailView {
  if (!standing) return gone
  const { mail, recipient } = standing
  return { state: recipient?.status === 'unsubscribed' ? 'unsubscribed' : 'unsubscribe', mail }
}

async function inTurn(
  { db }: AppDeps,
  ref: RecipientRef,
  act: (tx: Tx, standing: Standing) => Promise<EmailView>,
): Promise<EmailView> {
  const found = await readStanding(db, ref)
  if (!found) return gone
  return inTenantTurn(db, found.destination.tenantId, async (tx) => {
    const standing = await readStanding(tx, ref)
    return standing ? act(tx, standing) : gone
  })
}

/** Returns `undefined` if the destination was deleted. Does not decrypt secrets. */
async function readStanding(db: Tx, ref: RecipientRef): Promise<Standing | undefined> {
  const row = await db.destination.findUnique({
    where: { id: ref.destinationId },
    omit: { sealed: true },
    include: { tenant: { select: { name: true } } },
  })
  const environment = environments.find((name) => name === row?.environment)
  if (!row || !environment) return undefined
  const { id, name, channel, tenantId, config, tenant } = row
  const mail = { tenant: tenant.name, destination: name, environment, address: ref.address }
  const addresses = getChannel(channel).people?.recipients(config) ?? []
  const named = addresses.map(addressKey).includes(ref.address)
  const recipient = await findRecipient(db, ref)
  return { destination: { id, name, channel, tenantId, environment }, mail, named, recipient }
}

/** Recorded instead of a key id, because a link authorized the action. */
const linkInPlaceOfKey = 'email-link'

async function write(
  tx: Tx,
  { destination: { tenantId, environment }, recipient }: Standing,
  ref: RecipientRef,
  {
    status,
    address,
  }: { status: RecipientStatus & ('confirmed' | 'unsubscribed'); address: string | undefined },
): Promise<EmailRecipient> {
  const written = await setRecipientStatus(tx, ref, status)
  await recordAudit(tx, {
    tenantId,
    environment,
    keyId: linkInPlaceOfKey,
    address,
    action: `email-recipient.${status}`,
    subject: ref.destinationId,
    before: recipient && asJson({ address: ref.address, status: recipient.status }),
    after: asJson({ address: ref.address, status }),
  })
  return written
}
