import { createTransport, type SendMailOptions, type SMTPPoolOptions } from 'nodemailer'
import pMap from 'p-map'
import { definedOnly } from '../../domain/defined-only.ts'
import { formatAddresses } from '../../domain/email/consent.ts'
import { excerptWithNote } from '../../domain/delivery/excerpt.ts'
import type { Outcome, SettledRecipients } from '../../domain/delivery/outcome.ts'
import { describeNetworkError } from '../../egress/network.ts'

/** The outcome of a mail to one recipient. */
export interface Sent {
  address: string
  outcome: Outcome
}

/** The number of mails per connection. With up to four connections, fifty recipients fit into one timeout. */
const mailsPerConnection = 10
const maxPoolConnections = 4

/**
 * Sends each mail to its own recipient (`envelope.to`), and returns an outcome for each. Once the connection itself fails, the
 * remaining mails are not tried. The signal ends everything and closes the connections.
 */
export async function sendEach(
  connection: SMTPPoolOptions,
  mails: readonly (SendMailOptions & { address: string })[],
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<Sent[]> {
  const maxConnections = Math.min(maxPoolConnections, Math.ceil(mails.length / mailsPerConnection))
  const transport = createTransport({ ...connection, pool: true, maxConnections, maxRequeues: 0 })
  let broken: Outcome | undefined

  async function sendOne({ address, ...mail }: (typeof mails)[number]): Promise<Sent> {
    if (broken) return { address, outcome: broken }
    try {
      const { response = '' } = await transport.sendMail({ ...mail, signal })
      return { address, outcome: { kind: 'delivered', ...smtpReply(response) } }
    } catch (error) {
      const outcome = classifyMailError(error, timeoutMs)
      if (!refusesThisMail(error)) broken ??= outcome
      return { address, outcome }
    }
  }

  try {
    // The first mail shows whether the server accepts the login, so a wrong password is not tried four times.
    const [first, ...others] = mails
    if (!first) return []
    return [await sendOne(first), ...(await pMap(others, sendOne, { concurrency: maxConnections }))]
  } finally {
    transport.close({ force: true })
  }
}

/**
 * Returns the attempt's outcome: delivered once no recipient is left to try and at least one was reached. `earlier` holds the
 * recipients that earlier attempts have settled.
 */
export function concludeMails(
  sent: readonly Sent[],
  earlier: SettledRecipients = { reached: [], refused: [] },
): Outcome {
  const of = (kind: Outcome['kind']) => sent.filter(({ outcome }) => outcome.kind === kind)
  const reached = [...earlier.reached, ...of('delivered').map(({ address }) => address)]
  const refused = [...earlier.refused, ...of('rejected').map(({ address }) => address)]
  const [failed, ...alsoFailed] = of('failed')
  if (failed && reached.length + refused.length > 0) {
    const left = [failed, ...alsoFailed].map(({ address }) => address)
    const error = `${errorText(failed.outcome)}; so far ${reached.length} reached, not yet ${formatAddresses(left)}`
    return { ...failed.outcome, kind: 'failed', error, recipients: { reached, refused } }
  }
  if (failed) return failed.outcome
  if (reached.length === 0)
    return sent[0]?.outcome ?? { kind: 'rejected', error: 'no recipient is left to send to' }
  const last = of('delivered').at(-1)?.outcome
  const excerpt = last?.responseExcerpt ?? 'sent by earlier attempts'
  const note = refused.length > 0 ? `; refused for ${formatAddresses(refused)}` : ''
  return { ...last, kind: 'delivered', responseExcerpt: excerptWithNote(excerpt, note) }
}

/** The fields of a nodemailer error after the server has replied. */
interface SmtpError {
  code: string
  command: string
  response: string
  responseCode: number
}

/** True if the server refused this mail but keeps the connection open; after 421 it closes the connection (RFC 5321 §3.8). */
function refusesThisMail(error: unknown): boolean {
  const { command, responseCode } = error as Partial<SmtpError>
  return (command === 'RCPT TO' || command === 'DATA') && responseCode !== undefined && responseCode !== 421
}

/**
 * SMTP distinguishes permanent refusals (5xx) from temporary ones (4xx). Failed logins and refusals before the recipient was named
 * are errors in the mail server's configuration, which somebody will fix, so they are retried. Source: RFC 5321 §4.2.1.
 */
export function classifyMailError(error: unknown, timeoutMs: number): Outcome {
  const { responseCode, response, code, command } = error as Partial<SmtpError>
  if (responseCode === undefined) return { kind: 'failed', ...describeNetworkError(error, timeoutMs) }
  const seen = { errorClass: 'smtp', ...smtpReply(response ?? String(responseCode)) } as const
  if (responseCode >= 500 && (command === 'RCPT TO' || command === 'DATA')) {
    return { kind: 'rejected', error: `SMTP ${responseCode}: the mail server refused the mail`, ...seen }
  }
  if (code === 'ETLS') {
    const error = `SMTP ${responseCode}: the mail server did not start TLS, so neither the login nor the mail was sent`
    return { kind: 'failed', error, ...seen, errorClass: 'tls' }
  }
  const what =
    code === 'EAUTH' ? 'the mail server refused the login' : 'the mail server could not accept the mail'
  return { kind: 'failed', error: `SMTP ${responseCode}: ${what}`, ...seen }
}

function smtpReply(response: string): { responseCode?: number; responseExcerpt: string } {
  const code = Number(/^\d{3}/.exec(response)?.[0])
  return definedOnly({
    responseCode: code || undefined,
    responseExcerpt: excerptWithNote(response.replace(/\p{Cc}+/gu, ' ')),
  })
}

function errorText(outcome: Outcome): string {
  return outcome.kind === 'delivered' ? '' : outcome.error
}
