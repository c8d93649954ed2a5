import type { PlatformMail } from '../channel.ts'
import type { FieldProblem } from '../../domain/field-problem.ts'

/** A mail's sender and its mail server. */
export interface Sender {
  smtpUrl: string
  from: string
  replyTo?: string
  /** The address for bounces (`MAIL FROM`), if it differs from `from`. */
  bounces?: string
}

interface From {
  from?: string
  smtpUrl?: string
}

/**
 * Chooses the sender: through the tenant's own server, any address; through the platform's server, only addresses in the operator's
 * domains. An older config may have another address in `from`, which becomes the reply address.
 */
export function chooseSender(
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
  if (isInDomains(from, mail.fromDomains)) return { ...platform, from }
  return { ...platform, from: mail.from, replyTo: from }
}

/** Each destination has its own bounce address, such as `bounces+dst_…@example.com`, so that a bounce names its destination. */
function bounceAddress(address: string, destinationId: string): string {
  const at = address.lastIndexOf('@')
  return `${address.slice(0, at)}+${destinationId}${address.slice(at)}`
}

/** Returns the reason why a tenant cannot use this sender, if any. */
export function senderProblems({ from, smtpUrl }: From, domains: readonly string[] = []): FieldProblem[] {
  if (from === undefined || smtpUrl !== undefined || isInDomains(from, domains)) return []
  const message =
    domains.length > 0
      ? `must be an address at ${domains.join(' or ')}, or requires your own mail server in smtpUrl`
      : 'requires your own mail server in smtpUrl because the platform’s mail server sends only from its own address'
  return [{ path: 'from', message }]
}

function isInDomains(address: string, domains: readonly string[] = []): boolean {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
  return domains.some((allowed) => allowed.toLowerCase() === domain)
}
