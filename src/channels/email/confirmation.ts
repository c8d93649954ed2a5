import type { ConfirmationRequest } from '../channel.ts'
import { truncate } from '../../domain/truncate.ts'
import { button, page, small } from './layout.ts'
import { escapeHtml } from '../../templates/escaping.ts'
import type { EmailContent } from './message.ts'

/**
 * The only mail that is sent before its recipient has agreed: who asks, what for, and a link. It contains nothing of an event, and
 * nothing written by a tenant except names, which are changed so that no mail program links them.
 */
export function renderConfirmation(request: ConfirmationRequest): EmailContent {
  const [tenant, destination] = [plainName(request.tenant), plainName(request.destination)]
  const title = `Confirm email notifications from ${tenant}${request.environment === 'sandbox' ? ' (sandbox)' : ''}`
  const why = `${tenant} would like to send messages about events in its systems (“${destination}”) to ${request.address}. Nothing is sent unless you confirm.`
  const until = `The link is valid until ${request.until.toISOString().slice(0, 16).replace('T', ' ')} UTC. If you did not expect this message, ignore it.`
  return {
    subject: title,
    text: [title, '', why, '', `Confirm: ${request.confirmUrl}`, '', until].join('\n'),
    html: page(title, [`<p>${escapeHtml(why)}</p>`, button('Confirm…', request.confirmUrl), small(until)]),
  }
}

/**
 * Returns a name on one line, without the characters that form a link, so that a destination's name cannot advertise anything in
 * our mail.
 */
function plainName(name: string): string {
  const plain = name
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[.:/@\\](?=\S)/g, ' ')
    .replace(/\s+/g, ' ')
  return truncate(plain.trim(), maxNameLength)
}

const maxNameLength = 100
