import type { PlatformMail } from '../channel.ts'
import type { FieldProblem } from '../../domain/field-problem.ts'

/** Whom a mail is from, and by which server it goes. */
export interface Sender {
  smtpUrl: string
  from: string
  replyTo?: string
  /** The address that bounces go to (`MAIL FROM`), where it is not `from`. */
  bounces?: string
}

interface From {
  from?: string
  smtpUrl?: string
}

/**
 * By the tenant's own server from whatever address that lets them send from. By the platform's only from the domains that the
 * operator has named: with any other address in `from`, which may be there from before that was so, answers go there.
 */
export function senderOf(
  { from, smtpUrl }: From,
  destinationId: string,
  mail: PlatformMail | undefined,
): Sender | undefined {
  const sender = from ?? mail?.from
  if (smtpUrl !== undefined) return sender === undefined ? undefined : { smtpUrl, from: sender }
  if (!mail) return undefined
  const bounces = mail.bounces && bounceAddress(mail.bounces, destinationId)
  const platform = { smtpUrl: mail.smtpUrl, ...(bounces && { bounces }) }
  if (from === undefined) return { ...platform, from: mail.from }
  if (isOfDomain(from, mail.fromDomains)) return { ...platform, from }
  return { ...platform, from: mail.from, replyTo: from }
}

/** Each destination's bounces have an address of their own, as in `bounces+dst_…@example.com`: none has to be guessed from a text. */
function bounceAddress(address: string, destinationId: string): string {
  const at = address.lastIndexOf('@')
  return `${address.slice(0, at)}+${destinationId}${address.slice(at)}`
}

/** What is wrong with the sender that a tenant wants. */
export function senderProblems({ from, smtpUrl }: From, domains: readonly string[] = []): FieldProblem[] {
  if (from === undefined || smtpUrl !== undefined || isOfDomain(from, domains)) return []
  const message =
    domains.length > 0
      ? `must be of ${domains.join(' or ')}, or needs a mail server of your own beside it (smtpUrl)`
      : 'needs a mail server of your own beside it (smtpUrl): the platform’s sends from its own address only'
  return [{ path: 'from', message }]
}

function isOfDomain(address: string, domains: readonly string[] = []): boolean {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
  return domains.some((allowed) => allowed.toLowerCase() === domain)
}
