import { z } from 'zod'
import { definedOnly } from '../../domain/defined-only.ts'
import { headersForLog } from '../../domain/redaction/redaction.ts'
import { defineChannel, type Recipient } from '../channel.ts'
import type { Composition } from '../../templates/composition.ts'
import { htmlEscaping } from '../../templates/escaping.ts'
import { emailAddress, withAsciiDomain } from './address.ts'
import { renderConfirmation } from './confirmation.ts'
import { unsubscribeHeaders, withFooter } from './footer.ts'
import { composeEmail, emailHeaders, subjectHeader, type EmailContent } from './message.ts'
import { chooseSender, senderProblems, type Sender } from './sender.ts'
import { classifyMailError, concludeMails, sendEach } from './sending.ts'
import { connectToPlatform, connectToTenant, smtpProblems, smtpUrl } from './smtp-connection.ts'

/** Sends an email with text and HTML bodies, through the platform's mail server or the tenant's own (`smtpUrl`). */
export const email = defineChannel({
  name: 'email',
  config: z.strictObject({
    to: z.array(emailAddress).min(1).max(50),
    from: emailAddress.optional(),
    smtpUrl: smtpUrl.optional(),
  }),
  secrets: ['smtpUrl'],
  check: (config, where) => [
    ...(config.smtpUrl ? smtpProblems(config.smtpUrl, where) : []),
    ...senderProblems(config, where.mailFromDomains),
  ],
  people: {
    field: 'to',
    recipients: ({ to }) => to,
    canonicalAddress: withAsciiDomain,
    viaPlatform: ({ smtpUrl }) => smtpUrl === undefined,
    confirmation: (request) => ({
      config: { to: [request.address] },
      content: { ...renderConfirmation(request) },
    }),
  },
  template: {
    subject: { kind: 'line', description: 'One line of plain text.' },
    text: { kind: 'text', description: 'Plain text. Without an html part, the mail has no HTML.' },
    html: { kind: 'text', escaping: htmlEscaping, description: 'HTML; inserted values are escaped.' },
  },
  compose: composeEmail,

  /** Each recipient gets a mail of their own, with their own unsubscribe link. A refused recipient does not affect the others. */
  async send({ content = {}, timeoutMs, settled, ...message }, { egress, mail, requireSmtpTls = false }) {
    const { event, destination } = message
    const { to, smtpUrl } = destination.config
    const sender = chooseSender(destination.config, destination.id, mail)
    if (!sender) return noServer
    const recipients = message.recipients ?? to.map((address) => ({ address }))
    const composed = composeEmail(message, content)
    const mails = recipients.map((recipient) => mailTo(recipient, sender, message, composed))
    const requestHeaders = headersForLog({ 'Message-ID': emailHeaders(message).messageId })
    const signal = AbortSignal.timeout(timeoutMs)
    const opening = { egress, signal, requireTls: requireSmtpTls }
    try {
      const connection = smtpUrl
        ? connectToTenant(smtpUrl, event.environment, opening)
        : connectToPlatform(sender.smtpUrl, opening)
      const sent = await sendEach(connection, mails, { signal, timeoutMs })
      return { ...concludeMails(sent, settled), requestHeaders }
    } catch (error) {
      return { ...classifyMailError(error, timeoutMs), requestHeaders }
    }
  },
})

const noServer = {
  kind: 'failed',
  errorClass: 'setup',
  error: 'no mail server is configured; set SMTP_URL and MAIL_FROM, or the destination’s smtpUrl and from',
} as const

function mailTo(
  { address, unsubscribeUrl }: Recipient,
  { from, replyTo, bounces }: Sender,
  of: Composition & {
    recipients?: readonly Recipient[]
    destination: { config: { to: string[] } }
  },
  composed: EmailContent,
) {
  const { messageId, headers } = emailHeaders(of)
  const { subject, ...bodies } = withFooter(composed, unsubscribeUrl)
  return definedOnly({
    address,
    from,
    replyTo,
    to: of.recipients?.map(({ address }) => address) ?? of.destination.config.to,
    envelope: { from: bounces ?? from, to: address },
    messageId,
    headers: { ...headers, ...unsubscribeHeaders(unsubscribeUrl), Subject: subjectHeader(subject) },
    ...bodies,
  })
}
