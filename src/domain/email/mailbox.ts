/** Domains that ignore dots in the local part. */
const dotless = new Map([
  ['gmail.com', 'gmail.com'],
  ['googlemail.com', 'gmail.com'],
])

/**
 * The mailbox that an address most likely belongs to, for limits only: lower-case, without a `+tag` (RFC 5233) and without what
 * its domain ignores. Mail is always sent to the original address.
 */
export function mailboxKey(address: string): string {
  const { local, domain } = splitAddress(address)
  const name = withoutTag(local)
  const alias = dotless.get(domain)
  return alias === undefined ? `${name}@${domain}` : `${name.replaceAll('.', '')}@${alias}`
}

/** The common prefix and suffix of a mailbox's tagged addresses, and its address without a tag. */
export function taggedParts(address: string): { plain: string; prefix: string; suffix: string } {
  const { local, domain } = splitAddress(address)
  const name = withoutTag(local)
  return { plain: `${name}@${domain}`, prefix: `${name}+`, suffix: `@${domain}` }
}

function splitAddress(address: string): { local: string; domain: string } {
  const at = address.lastIndexOf('@')
  return { local: address.slice(0, at).toLowerCase(), domain: address.slice(at + 1).toLowerCase() }
}

/** A name that begins with `+` has no tag. */
function withoutTag(local: string): string {
  const plus = local.indexOf('+')
  return plus > 0 ? local.slice(0, plus) : local
}
