import { TypeID } from 'typeid-js'
import { z } from 'zod'
import { notFound } from '../../errors.ts'

/** Returns a destination's id as a UUID, for contracts that use UUIDs. The id is a UUID in another notation. */
export function toWebhookId(destinationId: string): string {
  return TypeID.fromString(destinationId).toUUID()
}

/** Returns the id of the destination that a contract's client refers to, or throws 404. */
export function toDestinationId(webhookId: string): string {
  const uuid = z.guid().safeParse(webhookId)
  if (!uuid.success) throw notFound('webhook')
  return TypeID.fromUUID('dst', uuid.data.toLowerCase()).toString()
}

/** Converts the webhook id of a filter, which may also be a native `dst_…` id. Without one, nothing is filtered. */
export function destinationIdAsked(webhook: string | undefined): string | undefined {
  return webhook === undefined || webhook.startsWith('dst_') ? webhook : toDestinationId(webhook)
}

/** `2026-01-19T10:30:00.123000+00:00`: with microseconds and an offset, as the Webhooks API’s document writes times. */
export function microsecondTime(iso: string | Date): string {
  return new Date(iso).toISOString().replace('Z', '000+00:00')
}
