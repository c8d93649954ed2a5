import { findChannel } from '../../channels/index.ts'
import type { Db } from '../../db/client.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import { readRecipients } from '../../db/destinations/email-recipients.ts'
import { templateChannels } from '../../db/templates.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { whyInactive, type RoutableDestination } from '../../domain/destination.ts'
import {
  addressKey,
  mayBeMailed,
  countLeftOut,
  distinctAddresses,
  noRecipientConfirmed,
} from '../../domain/email/consent.ts'
import type { DeliveryOutlook } from '../../domain/routing/forecast.ts'
import type { PlannedDelivery } from '../../domain/routing/plan.ts'
import { noContentFor, templateIsGone } from '../../domain/templates.ts'

interface Named {
  name: string
  /** The config without its secret fields. */
  config: unknown
}

/**
 * Returns what would happen to each of these deliveries now. The reasons are those that an attempt would give
 * (activities/prepare.ts).
 */
export async function readOutlooks(
  db: Db,
  scope: Scope,
  deliveries: readonly PlannedDelivery[],
  destinations: readonly RoutableDestination[],
): Promise<(delivery: PlannedDelivery) => DeliveryOutlook> {
  const ids = [...new Set(deliveries.map(({ destinationId }) => destinationId))]
  const templateIds = [...new Set(deliveries.flatMap(({ template }) => template ?? []))]
  const [rows, recipients, templates] = await Promise.all([
    db.destination.findMany({
      where: { ...scope, id: { in: ids } },
      select: { id: true, name: true, config: true },
    }),
    readRecipients(db, ids),
    templateChannels(db, scope, templateIds),
  ])
  const named = new Map(rows.map(({ id, ...row }): [string, Named] => [id, row]))
  return (delivery) => {
    const { destinationId } = delivery
    const row = named.get(destinationId)
    const destination = destinations.find(({ id }) => id === destinationId)
    if (!row || !destination) return { skipped: 'the destination was deleted' }
    const inactive = whyInactive(destination)
    const own = recipients.filter((one) => one.destinationId === destinationId)
    const outlook = inactive === undefined ? consentOutlook(delivery, row, own) : { skipped: inactive }
    const templateFault = findTemplateFault(delivery, templates)
    return definedOnly({ name: row.name, ...outlook, templateFault })
  }
}

/**
 * Checks the addresses that the config lists now. Addresses that are not stored yet are asked for confirmation by the first
 * attempt.
 */
function consentOutlook(
  { channel }: PlannedDelivery,
  { config }: Named,
  recipients: Awaited<ReturnType<typeof readRecipients>>,
): Pick<DeliveryOutlook, 'skipped' | 'leftOut'> {
  const consents = distinctAddresses(findChannel(channel)?.people?.recipients(config) ?? []).map(
    (address) => {
      const known = recipients.find((one) => one.address === addressKey(address))
      return { address, status: known?.status ?? ('asked' as const) }
    },
  )
  const leftOut = countLeftOut(consents)
  if (leftOut === undefined) return {}
  return consents.some(mayBeMailed) ? { leftOut } : { skipped: noRecipientConfirmed(leftOut) }
}

function findTemplateFault(
  { template, channel }: PlannedDelivery,
  templates: Awaited<ReturnType<typeof templateChannels>>,
): string | undefined {
  if (template === undefined) return undefined
  const channels = templates.get(template)
  if (!channels) return templateIsGone(template)
  return channels.includes(channel) ? undefined : noContentFor(channel)
}
