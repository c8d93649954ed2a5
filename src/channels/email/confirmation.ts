import type { ConfirmationRequest } from '../channel.ts'
import { truncate } from '../../domain/truncate.ts'
import { button, page, small } from './layout.ts'
import { escapeHtml } from '../../templates/escaping.ts'
import type { EmailContent } from './message.ts'

/**
 * The one mail that goes to somebody who has not agreed to any: who asks, what for, and a link. Nothing of an event is in it, and
 * nothing that a tenant wrote but names, of which no mail program makes a link.
 */
export function renderConfirmation(request: ConfirmationRequest): EmailContent {
  const [tenant, destination] = [plainName(request.tenant), plainName(request.destination)]
  const title = `Do you want mail from ${tenant}?${request.environment === 'sandbox' ? ' (sandbox)' : ''}`
  const why = `${tenant} would like to send mail of “${destination}” to ${request.address}: messages about events in its systems. Nothing is sent unless you confirm.`
  const until = `The link is good until ${request.until.toISOString().slice(0, 16).replace('T', ' ')} UTC. If you do not know what this is about, do nothing.`
  return {
    subject: title,
    text: [title, '', why, '', `Confirm: ${request.confirmUrl}`, '', until].join('\n'),
    html: page(title, [`<p>${escapeHtml(why)}</p>`, button('Confirm…', request.confirmUrl), small(until)]),
  }
}

/** On one line, and without what makes a link of a word: whoever names a destination is not to use our mail for theirs. */
function plainName(name: string): string {
  const plain = name
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[.:/@\\](?=\S)/g, ' ')
    .replace(/\s+/g, ' ')
  return truncate(plain.trim(), longestName)
}

const longestName = 100
