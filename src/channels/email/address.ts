import { domainToASCII } from 'node:url'
import { z } from 'zod'

/**
 * An email address, also an internationalized one (RFC 6531): letters and digits of any script before the `@`, and a domain in Unicode,
 * which is stored in its ASCII form. So one mailbox has one spelling, whichever was given.
 */
export const emailAddress = z
  .string()
  .overwrite(withAsciiDomain)
  .max(254)
  .refine((address) => asciiAddress.safeParse(asciiLike(address)).success, 'is not an email address')
  .meta({ format: 'idn-email' })

/** The form in which addresses are stored and compared: the domain in ASCII, the rest in NFC. Anything else than an address is left alone. */
export function withAsciiDomain(address: string): string {
  const at = address.lastIndexOf('@')
  // What is ASCII already is left as it was written.
  if (at < 0 || !/\P{ASCII}/u.test(address)) return address
  const domain = address.slice(at + 1)
  const encoded = /\P{ASCII}/u.test(domain) ? domainToASCII(domain) : domain
  return `${address.slice(0, at).normalize('NFC')}@${encoded || domain}`
}

const asciiAddress = z.email()

/**
 * The same address with an ASCII letter for each letter and digit of another script before the `@` (signs of other scripts stay), and
 * for an encoded top-level domain, which the check takes for none.
 */
function asciiLike(address: string): string {
  const at = address.lastIndexOf('@')
  const local = address.slice(0, at).replace(/(?!\p{ASCII})[\p{L}\p{M}\p{Nd}]/gu, 'x')
  return local + address.slice(at).replace(/\.xn--[a-z0-9-]*[a-z0-9]$/i, '.xn')
}
