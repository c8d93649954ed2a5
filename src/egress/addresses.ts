import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

export type Address = ipaddr.IPv4 | ipaddr.IPv6

/** The registry's column "Globally Reachable"; `none` where it gives no value, or "N/A". */
type Reachable = 'yes' | 'no' | 'none'
export type SpecialBlock = readonly [cidr: string, name: string, rfc: string, reachable: Reachable]

/**
 * Reserved addresses: IANA's IPv4 Special-Purpose Address Registry, entry by entry, and the multicast block, which has its own
 * registry. All are closed: those marked reachable are anycast services of the operator's network, not receivers.
 */
export const specialIPv4: readonly SpecialBlock[] = [
  ['0.0.0.0/8', '"This network"', 'RFC 791', 'no'],
  ['0.0.0.0/32', '"This host on this network"', 'RFC 1122', 'no'],
  ['10.0.0.0/8', 'Private-Use', 'RFC 1918', 'no'],
  ['100.64.0.0/10', 'Shared Address Space', 'RFC 6598', 'no'],
  ['127.0.0.0/8', 'Loopback', 'RFC 1122', 'no'],
  ['169.254.0.0/16', 'Link Local', 'RFC 3927', 'no'],
  ['172.16.0.0/12', 'Private-Use', 'RFC 1918', 'no'],
  ['192.0.0.0/24', 'IETF Protocol Assignments', 'RFC 6890', 'no'],
  ['192.0.0.0/29', 'IPv4 Service Continuity Prefix', 'RFC 7335', 'no'],
  ['192.0.0.8/32', 'IPv4 dummy address', 'RFC 7600', 'no'],
  ['192.0.0.9/32', 'Port Control Protocol Anycast', 'RFC 7723', 'yes'],
  ['192.0.0.10/32', 'Traversal Using Relays around NAT Anycast', 'RFC 8155', 'yes'],
  ['192.0.0.170/32', 'NAT64/DNS64 Discovery', 'RFC 7050', 'no'],
  ['192.0.0.171/32', 'NAT64/DNS64 Discovery', 'RFC 7050', 'no'],
  ['192.0.2.0/24', 'Documentation (TEST-NET-1)', 'RFC 5737', 'no'],
  ['192.31.196.0/24', 'AS112-v4', 'RFC 7535', 'yes'],
  ['192.52.193.0/24', 'AMT', 'RFC 7450', 'yes'],
  ['192.88.99.0/24', 'Deprecated (6to4 Relay Anycast)', 'RFC 7526', 'none'],
  ['192.88.99.2/32', '6a44-relay anycast address', 'RFC 6751', 'no'],
  ['192.168.0.0/16', 'Private-Use', 'RFC 1918', 'no'],
  ['192.175.48.0/24', 'Direct Delegation AS112 Service', 'RFC 7534', 'yes'],
  ['198.18.0.0/15', 'Benchmarking', 'RFC 2544', 'no'],
  ['198.51.100.0/24', 'Documentation (TEST-NET-2)', 'RFC 5737', 'no'],
  ['203.0.113.0/24', 'Documentation (TEST-NET-3)', 'RFC 5737', 'no'],
  ['224.0.0.0/4', 'Multicast', 'RFC 5771', 'no'],
  ['240.0.0.0/4', 'Reserved', 'RFC 1112', 'no'],
  ['255.255.255.255/32', 'Limited Broadcast', 'RFC 8190', 'no'],
]

/**
 * IANA's IPv6 Special-Purpose Address Registry. Addresses outside `globalUnicast` are closed without an entry: IPv4-compatible
 * (`::/96`), IPv4-translated (`::ffff:0:0:0/96`), site-local (`fec0::/10`) and multicast (`ff00::/8`) ones.
 */
export const specialIPv6: readonly SpecialBlock[] = [
  ['::1/128', 'Loopback Address', 'RFC 4291', 'no'],
  ['::/128', 'Unspecified Address', 'RFC 4291', 'no'],
  ['::ffff:0:0/96', 'IPv4-mapped Address', 'RFC 4291', 'no'],
  ['64:ff9b::/96', 'IPv4-IPv6 Translat.', 'RFC 6052', 'yes'],
  ['64:ff9b:1::/48', 'IPv4-IPv6 Translat.', 'RFC 8215', 'no'],
  ['100::/64', 'Discard-Only Address Block', 'RFC 6666', 'no'],
  ['100:0:0:1::/64', 'Dummy IPv6 Prefix', 'RFC 9780', 'no'],
  ['2001::/23', 'IETF Protocol Assignments', 'RFC 2928', 'no'],
  ['2001::/32', 'TEREDO', 'RFC 4380', 'none'],
  ['2001:1::1/128', 'Port Control Protocol Anycast', 'RFC 7723', 'yes'],
  ['2001:1::2/128', 'Traversal Using Relays around NAT Anycast', 'RFC 8155', 'yes'],
  ['2001:1::3/128', 'DNS-SD Service Registration Protocol Anycast', 'RFC 9665', 'yes'],
  ['2001:2::/48', 'Benchmarking', 'RFC 5180', 'no'],
  ['2001:3::/32', 'AMT', 'RFC 7450', 'yes'],
  ['2001:4:112::/48', 'AS112-v6', 'RFC 7535', 'yes'],
  ['2001:10::/28', 'Deprecated (previously ORCHID)', 'RFC 4843', 'none'],
  ['2001:20::/28', 'ORCHIDv2', 'RFC 7343', 'yes'],
  ['2001:30::/28', 'Drone Remote ID Protocol Entity Tags (DETs) Prefix', 'RFC 9374', 'yes'],
  ['2001:db8::/32', 'Documentation', 'RFC 3849', 'no'],
  ['2002::/16', '6to4', 'RFC 3056', 'none'],
  ['2620:4f:8000::/48', 'Direct Delegation AS112 Service', 'RFC 7534', 'yes'],
  ['3fff::/20', 'Documentation', 'RFC 9637', 'no'],
  ['5f00::/16', 'Segment Routing (SRv6) SIDs', 'RFC 9602', 'no'],
  ['fc00::/7', 'Unique-Local', 'RFC 4193', 'no'],
  ['fe80::/10', 'Link-Local Unicast', 'RFC 4291', 'no'],
]

const closed = [...specialIPv4, ...specialIPv6].map(([cidr]) => ipaddr.parseCIDR(cidr))

/** The only part of IPv6 that is handed out to the public (RFC 4291, IANA's IPv6 Address Space registry). */
const globalUnicast = ipaddr.parseCIDR('2000::/3')

/** DNS64 answers with this prefix for IPv4-only receivers in an IPv6-only network. */
const nat64 = ipaddr.parseCIDR('64:ff9b::/96')

/** An address as the system writes it, or undefined. Other spellings are for `canonicalHost`: they never reach a socket. */
export function parseAddress(text: string): Address | undefined {
  return isIP(text) && !text.includes('%') ? ipaddr.parse(text) : undefined
}

/**
 * True if only the public internet reaches this address. Among IPv6 forms of IPv4 addresses, NAT64's well-known prefix is judged
 * by its IPv4 address; all others are closed.
 */
export function isPublic(address: Address): boolean {
  if (address instanceof ipaddr.IPv6) {
    if (inBlock(address, nat64)) return isPublic(new ipaddr.IPv4(address.toByteArray().slice(12)))
    if (!inBlock(address, globalUnicast) || isIsatap(address)) return false
  }
  return !closed.some((block) => inBlock(address, block))
}

/** An address as rules mean it: IPv4 inside IPv6-mapped is that IPv4 address, for the system connects to it. */
export function unmapped(address: Address): Address {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

/** True if an address equals the entry or is in its CIDR. Invalid entries cover nothing. */
export function covers(entry: string, address: Address): boolean {
  if (ipaddr.isValidCIDR(entry)) return inBlock(address, ipaddr.parseCIDR(entry))
  const single = parseAddress(entry)
  return single !== undefined && unmapped(single).toString() === address.toString()
}

function inBlock(address: Address, [network, bits]: [Address, number]): boolean {
  return address.kind() === network.kind() && address.match(network, bits)
}

/** ISATAP carries an IPv4 address behind any prefix, and the network's router tunnels to it (RFC 5214 §6.1). */
function isIsatap({ parts }: ipaddr.IPv6): boolean {
  return (parts[4] === 0 || parts[4] === 0x200) && parts[5] === 0x5efe
}
