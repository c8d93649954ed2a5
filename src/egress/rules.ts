import { domainToUnicode } from 'node:url'
import { covers, parseAddress, unmapped, type Address } from './addresses.ts'
import { parseUrl } from './parse-url.ts'

/** From one port to another, both included. */
export type PortRange = readonly [first: number, last: number]

/** The protocol that a URL is for. Each has its own ports. */
export type Service = 'http' | 'smtp'
/** The hosts that one channel's messages may go to. */
export interface ServiceHosts {
  /** The channel's name. The log, and the variable by which the operator chooses other hosts (`SLACK_HOSTS`), use it. */
  name: string
  /** Host names. `*.example.com` allows every host below example.com. */
  allowed: readonly string[]
  /** Whose hosts they are, for messages, such as `Slack`. */
  owner: string
  /** One of the hosts, for messages. */
  example: string
}

/** Mail submission ports (RFC 6409, RFC 8314), and the two ports that are used for it in practice. */
const smtpPorts = [25, 465, 587, 2525]

/** The ports where other protocols listen that can be talked to by HTTP. Source: Fetch Standard, "Port blocking". */
const badPorts = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113,
  115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563,
  587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
  6679, 6697, 10080,
]) // prettier-ignore

/** True if tenants' URLs may use this port. The operator's list replaces the open HTTP ports and adds to the SMTP ports. */
export function isPortOpen(
  port: number,
  service: Service,
  allowed: readonly PortRange[] | undefined,
): boolean {
  if (service === 'smtp' && smtpPorts.includes(port)) return true
  if (allowed) return allowed.some(([first, last]) => port >= first && port <= last)
  return service !== 'smtp' && !badPorts.has(port)
}

/**
 * A host as a web address is read: spellings of IPv4 addresses (decimal, octal, hex, short, fullwidth) become the address, names
 * become lower-case ASCII without a final dot, IPv6 addresses lose their brackets. Undefined when it is no host.
 */
export function canonicalHost(host: string): string | undefined {
  const written = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  // A host must not contain characters that would end it within a URL.
  const url = /[\s/\\?#@]/.test(written) ? undefined : parseUrl(`http://${written}/`)
  return url?.hostname.replace(/^\[(.*)\]$/, '$1').replace(/(?<=.)\.$/, '')
}

/** An address, or a name that the DNS can hold (RFC 1035 §2.3.4), in canonical form. */
export function isWellFormed(host: string): boolean {
  if (parseAddress(host)) return true
  return (
    host.length <= 253 &&
    host.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label) && !isBrokenPunycode(label))
  )
}

/** Node.js 24 takes `https://xn--/` for a URL, as the URL Standard does by now. The label encodes nothing, so no name server has it. */
function isBrokenPunycode(label: string): boolean {
  return label.startsWith('xn--') && domainToUnicode(label).startsWith('xn--')
}

/** Names that every system keeps for itself (RFC 6761 §6.3). Nobody has to be asked to know where they lead. */
export function isLocalName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost')
}

/** Addresses, CIDRs and host names, as the operator gives them. */
export interface HostList {
  /** `host` is in canonical form. */
  hasName(host: string): boolean
  hasAddress(address: Address): boolean
}

const wildcard = '*.'

/** `*.example.com` stands for every name below example.com, and not for example.com itself. */
export function hostList(entries: readonly string[]): HostList {
  const [wildcards, exact] = partition(entries, (entry) => entry.startsWith(wildcard))
  const names = new Set(exact.map(canonicalHost))
  const suffixes = wildcards.map((entry) => `.${canonicalHost(entry.slice(wildcard.length))}`)
  return {
    hasName: (host) => names.has(host) || suffixes.some((suffix) => host.endsWith(suffix)),
    hasAddress: (address) => entries.some((entry) => covers(entry, unmapped(address))),
  }
}

function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(test), items.filter((item) => !test(item))]
}
