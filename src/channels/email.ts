import { createTransport, type SentMessageInfo } from 'nodemailer'
import { z } from 'zod'
import type { Environment } from '../domain/event.ts'
import type { Outcome } from '../domain/outcome.ts'
import { defineChannel, type FieldProblem } from './channel.ts'
import type { Egress } from './egress.ts'
import { renderEmail } from './email-message.ts'
import { describeNetworkError } from './network.ts'

const address = z.email('is not an email address').max(254)

const smtpUrl = z
  .string()
  .max(2048)
  .refine((text) => URL.canParse(text) && /^smtps?:$/.test(new URL(text).protocol), {
    message: 'must be a URL that starts with smtp:// or smtps://',
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

  async send({ event, destination, timeoutMs }, { egress, mail }) {
    const { to, from, smtpUrl } = destination.config
    const server = smtpUrl ?? mail?.smtpUrl
    const sender = from ?? mail?.from
    if (!server || !sender) {
      return { kind: 'failed', error: 'no mail server: set SMTP_URL and MAIL_FROM, or the destination’s smtpUrl and from' }
    }
    try {
      const connection = smtpUrl ? await guarded(smtpUrl, event.environment, egress) : parseSmtpUrl(server)
      const message = { from: sender, to, ...renderEmail(event, destination) }
      return accepted(await sendOnce(connection, message, timeoutMs))
    } catch (error) {
      return classifyMailError(error, timeoutMs)
    }
  },
})

function smtpProblems(text: string, { environment, egress }: { environment: Environment; egress: Egress }): FieldProblem[] {
  const refusal = egress.refusal(new URL(text).hostname, environment)
  return refusal ? [{ path: 'smtpUrl', message: refusal }] : []
}

/** The connection to a tenant's server is pinned to an address that the guard has checked. */
async function guarded(smtpUrl: string, environment: Environment, egress: Egress) {
  const connection = parseSmtpUrl(smtpUrl)
  const pinned = await egress.resolve(connection.host, environment)
  return { ...connection, host: pinned, tls: { servername: connection.host } }
}

function parseSmtpUrl(text: string) {
  const { protocol, hostname, port, username, password } = new URL(text)
  const secure = protocol === 'smtps:'
  return {
    host: hostname,
    port: port ? Number(port) : secure ? 465 : 587,
    secure,
    ...(username && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
  }
}

/** One mail over one connection, the whole of it within `timeoutMs`. */
async function sendOnce(connection: ReturnType<typeof parseSmtpUrl>, message: object, timeoutMs: number) {
  const transport = createTransport({
    ...connection,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
  })
  const deadline = AbortSignal.timeout(timeoutMs)
  const expired = new Promise<never>((_, reject) => {
    deadline.addEventListener('abort', () => reject(deadline.reason as Error), { once: true })
  })
  expired.catch(() => undefined) // When the mail was quicker, nobody listens any more.
  try {
    return await Promise.race([transport.sendMail(message), expired])
  } finally {
    transport.close()
  }
}

function accepted(info: SentMessageInfo): Outcome {
  const rejected = info.rejected ?? []
  const refused = rejected.length > 0 ? `; refused for ${rejected.join(', ')}` : ''
  return { kind: 'delivered', ...smtpReply(info.response ?? '', refused) }
}

/**
 * SMTP tells lasting refusals (5xx) from passing ones (4xx). Failed authentication and refusals before a recipient was
 * named are the mail server's set-up, which people mend: those are tried again. Source: RFC 5321 §4.2.1.
 */
function classifyMailError(error: unknown, timeoutMs: number): Outcome {
  const { responseCode, response, code } = error as { responseCode?: number; response?: string; code?: string }
  if (responseCode === undefined) return { kind: 'failed', error: describeNetworkError(error, timeoutMs) }
  const seen = smtpReply(response ?? String(responseCode))
  if (responseCode >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE')) {
    return { kind: 'rejected', error: `SMTP ${responseCode}: the mail server refused the mail`, ...seen }
  }
  const what = code === 'EAUTH' ? 'the mail server refused the login' : 'the mail server could not take the mail'
  return { kind: 'failed', error: `SMTP ${responseCode}: ${what}`, ...seen }
}

function smtpReply(response: string, suffix = ''): { responseCode?: number; responseExcerpt: string } {
  const code = Number(/^\d{3}/.exec(response)?.[0])
  return { ...(code && { responseCode: code }), responseExcerpt: (response + suffix).slice(0, 2048) }
}
