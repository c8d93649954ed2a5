import { TypeID } from 'typeid-js'
import { z } from 'zod'
import { notFound } from '../../errors.ts'

/** A destination's id is a UUID in another spelling: the contracts whose ids are UUIDs get that. */
export function toWebhookId(destinationId: string): string {
  return TypeID.fromString(destinationId).toUUID()
}

/** The destination that a contract's client means, or 404. */
export function toDestinationId(webhookId: string): string {
  const uuid = z.guid().safeParse(webhookId)
  if (!uuid.success) throw notFound('webhook')
  return TypeID.fromUUID('dst', uuid.data.toLowerCase()).toString()
}

/** Likewise for a filter, which may also name the destination as the native API does; none is no filter. */
export function destinationIdAsked(webhook: string | undefined): string | undefined {
  return webhook === undefined || webhook.startsWith('dst_') ? webhook : toDestinationId(webhook)
}

/** `2026-01-19T10:30:00.123000+00:00`: with microseconds and an offset, as the Webhooks API’s document writes times. */
export function microsecondTime(iso: string | Date): string {
  return new Date(iso).toISOString().replace('Z', '000+00:00')
}
