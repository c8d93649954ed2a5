import { encodeWord } from 'nodemailer/lib/mime-funcs'
import { payloadFields } from '../../domain/json/payload-fields.ts'
import { carriableMessage } from '../carriable.ts'
import type { Composition } from '../../templates/composition.ts'
import { digestOf } from '../../domain/digest.ts'
import { renderDigestEmail } from './digest.ts'
import { facts } from './layout.ts'
import { acknowledgeLines, layOut } from './parts.ts'
import { textFromHtml } from './text.ts'
import { origin } from '../message-facts.ts'
import { titleOf } from '../../templates/message-title.ts'

const mostFields = 200

export interface EmailContent {
  subject: string
  text: string
  html?: string
}

/**
 * A mail's content: the template's, and the default where that has none. A mail whose text is the template's alone has no HTML:
 * mail programs would show that instead. One whose HTML is the template's alone says the same as text, and nothing besides.
 */
export function composeEmail(of: Composition, content: Partial<EmailContent>): EmailContent {
  const standard = renderEmail(of)
  const { subject = standard.subject, text, html } = content
  if (html !== undefined)
    return carriableMessage({ subject, text: text ?? textFromHtml(html) ?? withoutText(of), html })
  return carriableMessage(text === undefined ? { ...standard, subject } : { subject, text })
}

/** Stands for a template's HTML that cannot be made text of. The payload is not shown: the template may have left it out. */
function withoutText(of: Composition): string {
  return [
    titleOf(of),
    '',
    'This message is HTML, and your mail program shows its text only.',
    ...acknowledgeLines(of),
  ].join('\n')
}

/**
 * A subject that holds `=?` is encoded as a whole: a payload's text that looks like an encoded word (RFC 2047) would be decoded
 * by whoever reads the mail, and is not what was posted.
 */
export function subjectHeader(subject: string) {
  if (!subject.includes('=?')) return subject
  return { prepared: true, foldLines: true, value: encodeWord(subject, 'B', 52) }
}

/**
 * The Message-ID is derived from event, destination and step, so that a mail sent twice is the same mail to whoever receives
 * it, and what a later step of a rule sends is not.
 */
export function emailHeaders({ event, destination, step }: Composition) {
  const parts = [
    encodeURIComponent(wellFormed(event.id)),
    destination.id,
    ...(step ? [step.replaceAll('/', '.')] : []),
  ]
  return {
    messageId: `<${parts.join('.')}@switchyard>`,
    headers: {
      'X-Switchyard-Event-Id': event.id,
      'X-Switchyard-Event-Type': event.type,
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
    },
  }
}

/** Half a character cannot be encoded. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString()
}

/** Subject, text and HTML of an event that no template is for. */
export function renderEmail(of: Composition) {
  const { event } = of
  const digest = digestOf(event)
  if (digest) return renderDigestEmail(of, digest)
  const { fields, more } = payloadFields(event.data, mostFields)
  const width = Math.max(0, ...fields.map(({ path }) => path.length))
  return layOut(of, {
    text: fields.map(({ path, value }) => `${path.padEnd(width)}  ${value}`),
    html: facts(fields),
    rest: more > 0 ? `Fields not shown here: ${more}. The event has them.` : '',
    summary: fields.map(({ path, value }) => `${path}: ${value}`).join(' · '),
    heading: 'About this event',
    about: [
      { path: 'Event', value: event.type },
      { path: 'Event id', value: event.id },
      { path: 'Received', value: `${event.createdAt.slice(0, 19).replace('T', ' ')} UTC` },
      ...origin(of),
    ],
  })
}
