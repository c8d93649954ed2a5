import { z } from 'zod'
import type { People } from '../../channels/channel.ts'
import { recordAudit } from '../../db/audit/audit.ts'
import { inTenantTurn } from '../../db/client.ts'
import { openDestination, type Destination, type Scope } from '../../db/destinations/destinations.ts'
import {
  readRecipients,
  setRecipientStatus,
  type EmailRecipient,
} from '../../db/destinations/email-recipients.ts'
import { createMailLimits } from '../../db/limits/mail-limits.ts'
import { addressKey } from '../../domain/email/consent.ts'
import { confirmationLimitText } from '../../domain/email/mail-limits.ts'
import type { AppDeps } from '../deps.ts'
import { getChannel } from '../fields/channel.ts'
import { requireDestination } from '../destinations/store.ts'
import { askRecipients } from './asking.ts'
import { recipientReply, listRecipients, requireLinks, showRecipient } from './store.ts'
import { ApiError, invalid, notFound } from '../errors.ts'
import { route } from '../http/route.ts'
import { asJson, audit } from '../audit/writer.ts'

const addresses = z.array(z.string().max(254)).min(1).max(50)
const recipientsReply = z.object({ recipients: z.array(recipientReply) }).meta({ id: 'Recipients' })

export const emailRecipientRoutes = [
  route({
    method: 'post',
    path: '/destinations/:id/confirmations',
    operationId: 'requestConfirmations',
    access: { scope: 'destinations:write' },
    summary: 'Send recipients of an email destination another confirmation request',
    body: z
      .strictObject({
        addresses: addresses
          .optional()
          .meta({ description: 'The default is all recipients who were asked and have not confirmed.' }),
      })
      .meta({ id: 'ConfirmationRequest' }),
    errors: ['already_ended'],
    replies: { 202: recipientsReply },
    async handle({ params, body, scope, by }, deps) {
      const destination = await requireDestination(deps, scope, params.id)
      const named = await recipientsNamed(deps, destination, body.addresses)
      const settled = named.findIndex(({ status }) => status !== 'asked')
      if (body.addresses && settled >= 0) throw alreadyAnswered(named[settled], settled)
      const open = named.filter(({ status }) => status === 'asked')
      if (open.length === 0) throw new ApiError('already_ended', 'No recipient has yet to confirm.')
      requireLinks(deps.publicUrl, requirePeople(destination))
      const askable = await withinDailyLimit(deps, scope, open)
      const after = { asked: askable.map(({ address }) => address) }
      const done = { action: 'email-recipient.asked', subject: destination.id, after }
      await audit(deps.db, by, done)
      await askRecipients(deps, scope, askable)
      return { status: 202, body: await showAll(deps, destination) }
    },
  }),
  route({
    method: 'post',
    path: '/tenants/:id/destinations/:destinationId/vouch',
    operationId: 'vouchForRecipients',
    access: 'platform',
    summary: 'Vouch for recipients of an email destination, so that they need not confirm',
    body: z
      .strictObject({
        addresses: addresses.optional().meta({
          description:
            'The default is all recipients who have not confirmed. Recipients who unsubscribed must be listed explicitly.',
        }),
      })
      .meta({ id: 'Vouching' }),
    replies: { 200: recipientsReply },
    async handle({ params: { id: tenantId, destinationId }, body, by }, deps) {
      const destination = await inTenantTurn(deps.db, tenantId, async (tx) => {
        const row = await tx.destination.findFirst({ where: { id: destinationId, tenantId } })
        if (!row) throw notFound('destination')
        const found = openDestination(row, deps.secretKeys)
        const named = await recipientsNamed({ db: tx }, found, body.addresses)
        const before = named.filter(({ status }) =>
          body.addresses ? status === 'asked' || status === 'unsubscribed' : status === 'asked',
        )
        const after: EmailRecipient[] = []
        for (const recipient of before) after.push(await setRecipientStatus(tx, recipient, 'vouched'))
        const owner = { tenantId, environment: found.environment, ...by }
        const shown = (list: EmailRecipient[]) => asJson({ recipients: list.map(showRecipient) })
        if (after.length > 0)
          await recordAudit(tx, {
            ...owner,
            action: 'email-recipient.vouched',
            subject: found.id,
            before: shown(before),
            after: shown(after),
          })
        return found
      })
      return { status: 200, body: await showAll(deps, destination) }
    },
  }),
]

/** Returns the recipients in a config, limited to the requested ones if any are given. */
async function recipientsNamed(
  { db }: { db: Parameters<typeof readRecipients>[0] },
  destination: Destination,
  asked: readonly string[] | undefined,
): Promise<EmailRecipient[]> {
  const { id, config } = destination
  const people = requirePeople(destination)
  const configured = new Set(people.recipients(config).map(addressKey))
  const own = (await readRecipients(db, [id])).filter(({ address }) => configured.has(address))
  if (!asked) return own
  return asked.map((address, index) => {
    const found = own.find((recipient) => recipient.address === addressKey(people.canonicalAddress(address)))
    if (!found)
      throw invalid([{ path: `addresses.${index}`, message: 'is not a recipient of this destination' }])
    return found
  })
}

function requirePeople({ channel, config }: Destination): People<unknown> {
  const { people } = getChannel(channel)
  if (people && people.recipients(config).length > 0) return people
  throw new ApiError(
    'not_found',
    'Only email destinations have recipients, and this is not an email destination.',
  )
}

function alreadyAnswered(recipient: EmailRecipient | undefined, index: number): ApiError {
  const message =
    recipient?.status === 'unsubscribed'
      ? 'has unsubscribed and cannot be asked again'
      : 'has already confirmed'
  return invalid([{ path: `addresses.${index}`, message }])
}

/** Leaves out recipients whose mailboxes have reached today's limit of requests. Throws 429 if none is left. */
async function withinDailyLimit(
  { db }: AppDeps,
  scope: Scope,
  open: EmailRecipient[],
): Promise<EmailRecipient[]> {
  const limits = createMailLimits(db)
  const reached = await Promise.all(open.map(({ address }) => limits.confirmationLimit(scope, address)))
  const askable = open.filter((_recipient, index) => reached[index] === undefined)
  if (askable.length > 0) return askable
  const [next] = reached.flatMap((limit) => limit ?? []).sort((one, other) => one.waitMs - other.waitMs)
  const { perDay = 0, waitMs = 0 } = next ?? {}
  const seconds = Math.ceil(waitMs / 1000)
  const detail = `The confirmation request was not sent: ${confirmationLimitText(perDay)}. Try again in ${seconds} s.`
  throw new ApiError('rate_limited', detail, { headers: { 'Retry-After': String(seconds) } })
}

async function showAll({ db }: AppDeps, destination: Destination) {
  const shown = await listRecipients(db, [destination])
  return { recipients: shown.get(destination.id) ?? [] }
}
