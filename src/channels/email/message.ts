import { encodeWord } from 'nodemailer/lib/mime-funcs'
import { payloadFields } from '../../domain/json/payload-fields.ts'
import { carriableMessage } from '../carriable.ts'
import type { Composition } from '../../templates/composition.ts'
import { readDigest } from '../../domain/digest.ts'
import { renderDigestEmail } from './digest.ts'
import { facts } from './layout.ts'
import { acknowledgeLines, layOut } from './parts.ts'
import { textFromHtml } from './text.ts'
import { origin } from '../message-facts.ts'
import { getTitle } from '../../templates/message-title.ts'

const maxFields = 200

export interface EmailContent {
  subject: string
  text: string
  html?: string
}

/**
 * Returns the template's content, or the default message. If the template has only a text, the mail has no HTML, because mail
 * programs would show that instead. If it has only HTML, the text is made from that.
 */
export function composeEmail(of: Composition, content: Partial<EmailContent>): EmailContent {
  const standard = renderEmail(of)
  const { subject = standard.subject, text, html } = content
  if (html !== undefined)
    return carriableMessage({ subject, text: text ?? textFromHtml(html) ?? textPlaceholder(of), html })
  return carriableMessage(text === undefined ? { ...standard, subject } : { subject, text })
}

/**
 * Returns the text of a mail whose HTML cannot be converted. It leaves out the payload, which the template may have left out too.
 */
function textPlaceholder(of: Composition): string {
  return [
    getTitle(of),
    '',
    'This message is in HTML, but your mail program shows only plain text.',
    ...acknowledgeLines(of),
  ].join('\n')
}

/**
 * Encodes a subject that contains `=?` as a whole. Otherwise a mail program would decode payload text that looks like an encoded
 * word (RFC 2047), and show something other than what was posted.
 */
export function subjectHeader(subject: string) {
  if (!subject.includes('=?')) return subject
  return { prepared: true, foldLines: true, value: encodeWord(subject, 'B', 52) }
}

/**
 * Returns the mail's headers. The Message-ID is derived from event, destination and step: a repeated attempt has the same id, and a
 * later step of a rule has another one.
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

/** Replaces unpaired surrogates, which cannot be encoded. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString()
}

/** Returns the subject, text and HTML of the default message. */
export function renderEmail(of: Composition) {
  const { event } = of
  const digest = readDigest(event)
  if (digest) return renderDigestEmail(of, digest)
  const { fields, more } = payloadFields(event.data, maxFields)
  const width = Math.max(0, ...fields.map(({ path }) => path.length))
  return layOut(of, {
    text: fields.map(({ path, value }) => `${path.padEnd(width)}  ${value}`),
    html: facts(fields),
    rest: more > 0 ? `Fields not shown: ${more}. See the event for all fields.` : '',
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
