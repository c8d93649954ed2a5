import { isIP } from 'node:net'
import { createTransport, type SentMessageInfo } from 'nodemailer'
import { z } from 'zod'
import type { Environment } from '../domain/event.ts'
import { excerptMaxBytes, type Outcome } from '../domain/outcome.ts'
import { headersForLog } from '../domain/redaction.ts'
import { defineChannel, type FieldProblem } from './channel.ts'
import { withoutBrackets, type Egress } from './egress.ts'
import { composeEmail, emailHeaders } from './email-message.ts'
import { describeNetworkError, within } from './network.ts'

const address = z.email('is not an email address').max(254)

const smtpUrl = z
  .string()
  .max(2048)
  .refine((text) => URL.canParse(text) && /^smtps?:$/.test(new URL(text).protocol), {
    message: 'must be a URL that starts with smtp:// or smtps://',
  })
  .refine((text) => !URL.canParse(text) || isUsable(new URL(text)), {
    message: 'must name a host, and write signs such as @ and % in its user name and password as %40 and %25',
  })

/** An email with text and HTML bodies, by the platform's mail server or by the tenant's own (`smtpUrl`). */
export const email = defineChannel({
  name: 'email',
  config: z.strictObject({
    to: z.array(address).min(1).max(50),
    from: address.optional(),
    smtpUrl: smtpUrl.optional(),
  }),
  secrets: ['smtpUrl'],
  check: (config, where) => (config.smtpUrl ? smtpProblems(config.smtpUrl, where) : []),
  template: {
    subject: { kind: 'line', description: 'One line of plain text.' },
    text: { kind: 'text', description: 'Plain text. Without html beside it, the mail has no HTML.' },
    html: { kind: 'html', description: 'HTML; values are escaped.' },
  },
  compose: composeEmail,

  async send({ content = {}, timeoutMs, ...message }, { egress, mail }) {
    const { event, destination } = message
    const { to, from, smtpUrl } = destination.config
    const server = smtpUrl ?? mail?.smtpUrl
    const sender = from ?? mail?.from
    if (!server || !sender) {
      return {
        kind: 'failed',
        errorClass: 'setup',
        error: 'no mail server: set SMTP_URL and MAIL_FROM, or the destination’s smtpUrl and from',
      }
    }
    const mailed = { ...composeEmail(message, content), ...emailHeaders(message) }
    const requestHeaders = headersForLog({ 'Message-ID': mailed.messageId })
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const connection = smtpUrl
        ? await within(signal, guarded(smtpUrl, event.environment, egress))
        : parseSmtpUrl(server)
      // One mail over one connection, the whole of it before the signal, which also hangs up.
      const info = await createTransport(connection).sendMail({ from: sender, to, ...mailed, signal })
      return { ...accepted(info), requestHeaders }
    } catch (error) {
      return { ...classifyMailError(error, timeoutMs), requestHeaders }
    }
  },
})

function isUsable({ hostname, username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password)
    return hostname !== ''
  } catch {
    return false
  }
}

function smtpProblems(
  text: string,
  { environment, egress }: { environment: Environment; egress: Egress },
): FieldProblem[] {
  const refusal = egress.refusal(new URL(text).hostname, environment)
  return refusal ? [{ path: 'smtpUrl', message: refusal }] : []
}

/** The connection to a tenant's server is pinned to an address that the guard has checked. */
async function guarded(smtpUrl: string, environment: Environment, egress: Egress) {
  const connection = parseSmtpUrl(smtpUrl)
  const pinned = await egress.resolve(connection.host, environment)
  return {
    ...connection,
    host: pinned,
    ...(!isIP(connection.host) && { tls: { servername: connection.host } }),
  }
}

function parseSmtpUrl(text: string) {
  const { protocol, hostname, port, username, password } = new URL(text)
  const secure = protocol === 'smtps:'
  return {
    host: withoutBrackets(hostname),
    port: port ? Number(port) : secure ? 465 : 587,
    secure,
    ...(username && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
  }
}

function accepted(info: SentMessageInfo): Outcome {
  const rejected = info.rejected ?? []
  const refused = rejected.length > 0 ? `; refused for ${rejected.join(', ')}` : ''
  return { kind: 'delivered', ...smtpReply(info.response ?? '', refused) }
}

/** What nodemailer's errors carry when the server has answered. */
interface SmtpError {
  code: string
  command: string
  response: string
  responseCode: number
}

/**
 * SMTP tells lasting refusals (5xx) from passing ones (4xx). Failed authentication and refusals before a recipient was
 * named are the mail server's set-up, which people mend: those are tried again. Source: RFC 5321 §4.2.1.
 */
function classifyMailError(error: unknown, timeoutMs: number): Outcome {
  const { responseCode, response, code, command } = error as Partial<SmtpError>
  if (responseCode === undefined) return { kind: 'failed', ...describeNetworkError(error, timeoutMs) }
  const seen = { errorClass: 'smtp', ...smtpReply(response ?? String(responseCode)) } as const
  if (responseCode >= 500 && (command === 'RCPT TO' || command === 'DATA')) {
    return { kind: 'rejected', error: `SMTP ${responseCode}: the mail server refused the mail`, ...seen }
  }
  const what =
    code === 'EAUTH' ? 'the mail server refused the login' : 'the mail server could not take the mail'
  return { kind: 'failed', error: `SMTP ${responseCode}: ${what}`, ...seen }
}

function smtpReply(response: string, suffix = ''): { responseCode?: number; responseExcerpt: string } {
  const code = Number(/^\d{3}/.exec(response)?.[0])
  const excerpt = Buffer.from((response + suffix).replace(/\p{Cc}+/gu, ' ')).subarray(0, excerptMaxBytes)
  return { ...(code && { responseCode: code }), responseExcerpt: excerpt.toString() }
}
