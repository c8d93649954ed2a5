import { domainToASCII } from 'node:url'
import { z } from 'zod'

/**
 * An email address, including internationalized ones (RFC 6531): letters and digits of any script before the `@`, and a Unicode
 * domain, which is stored in its ASCII form so that each mailbox has one spelling.
 */
export const emailAddress = z
  .string()
  .overwrite(withAsciiDomain)
  .max(254)
  .refine((address) => asciiAddress.safeParse(asciiLike(address)).success, 'must be an email address')
  .meta({ format: 'idn-email' })

/**
 * Returns the form in which an address is stored and compared: the domain in ASCII, the rest in NFC. Other strings are returned
 * unchanged.
 */
export function withAsciiDomain(address: string): string {
  const at = address.lastIndexOf('@')
  // ASCII addresses are kept as they were written.
  if (at < 0 || !/\P{ASCII}/u.test(address)) return address
  const domain = address.slice(at + 1)
  const encoded = /\P{ASCII}/u.test(domain) ? domainToASCII(domain) : domain
  return `${address.slice(0, at).normalize('NFC')}@${encoded || domain}`
}

const asciiAddress = z.email()

/**
 * Used for validation only. Replaces what zod's check does not accept: letters and digits of other scripts before the `@` become
 * ASCII letters (other characters stay), and so does an encoded top-level domain.
 */
function asciiLike(address: string): string {
  const at = address.lastIndexOf('@')
  const local = address.slice(0, at).replace(/(?!\p{ASCII})[\p{L}\p{M}\p{Nd}]/gu, 'x')
  return local + address.slice(at).replace(/\.xn--[a-z0-9-]*[a-z0-9]$/i, '.xn')
}
