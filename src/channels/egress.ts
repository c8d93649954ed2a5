import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { rootCertificates } from 'node:tls'
import ipaddr from 'ipaddr.js'
import { Agent } from 'undici'
import type { Environment } from '../domain/event.ts'

/**
 * The guard on every connection to a host that a tenant chose (SSRF). A name is resolved once, every address it has is
 * checked, and the connection is made to a checked address: there is no second look-up to answer differently.
 */
export interface Egress {
  /** An undici dispatcher that connects only to allowed addresses. */
  dispatcher(environment: Environment): Agent
  /** An allowed address of a host, for protocols that bring their own sockets. Throws `EgressRefused`. */
  resolve(host: string, environment: Environment): Promise<string>
  /** Why a host cannot be a destination, as far as that is known without looking it up. */
  refusal(host: string, environment: Environment): string | undefined
  close(): Promise<void>
}

/** The message tells what was refused and not which address a name has inside the network. */
export class EgressRefused extends Error {
  readonly code = 'EGRESS_REFUSED'
  constructor() {
    super('the destination’s address is not a public one, and this installation does not allow it')
  }
}

/** As long as a destination's longest timeout: undici's own limit of 10 s would end an attempt before its time. */
const longestConnectMs = 30_000

export interface EgressRules {
  /** CIDRs, addresses and host names that are open to both environments (`EGRESS_ALLOW`). */
  allow: readonly string[]
  /** Opens loopback to sandbox destinations, so that a first try with a local receiver works. */
  sandboxLoopback: boolean
  /** Certificate authorities (PEM) that receivers' certificates may come from besides the public ones. */
  extraAuthorities?: string | undefined
}

export function createEgress(rules: EgressRules): Egress {
  const agents = new Map<Environment, Agent>()
  const ca = rules.extraAuthorities && [...rootCertificates, rules.extraAuthorities]

  function addressAllowed(address: string, host: string, environment: Environment): boolean {
    const parsed = ipaddr.process(address)
    if (isPublic(parsed)) return true
    if (rules.sandboxLoopback && environment === 'sandbox' && parsed.range() === 'loopback') return true
    return rules.allow.some((entry) => entry.toLowerCase() === host.toLowerCase() || covers(entry, parsed))
  }

  async function resolve(
    host: string,
    environment: Environment,
  ): Promise<{ address: string; family: number }[]> {
    const bare = withoutBrackets(host)
    const family = isIP(bare)
    const found = family ? [{ address: bare, family }] : await lookup(bare, { all: true })
    const allowed = found.filter(({ address }) => addressAllowed(address, bare, environment))
    // One closed address closes the name: a mixture is how rebinding attempts look.
    if (allowed.length === 0 || allowed.length < found.length) throw new EgressRefused()
    return allowed
  }

  function guardedLookup(environment: Environment): LookupFunction {
    return (host, options, callback) => {
      resolve(host, environment).then(
        (found) => {
          const [first] = found
          if (options.all) callback(null, found)
          else callback(null, first?.address ?? '', first?.family)
        },
        (error: NodeJS.ErrnoException) => callback(error, '', 0),
      )
    }
  }

  return {
    dispatcher(environment) {
      const known = agents.get(environment)
      if (known) return known
      const lookup = guardedLookup(environment)
      const agent = new Agent({
        connect: { lookup, timeout: longestConnectMs, ...(ca && { ca }) },
        pipelining: 1,
      })
      agents.set(environment, agent)
      return agent
    },
    async resolve(host, environment) {
      const [first] = await resolve(host, environment)
      if (!first) throw new EgressRefused()
      return first.address
    },
    refusal(host, environment) {
      const bare = withoutBrackets(host)
      if (!isIP(bare) || addressAllowed(bare, bare, environment)) return undefined
      return 'is not a public address, and this installation does not allow it'
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.close()))
    },
  }
}

/** A URL writes an IPv6 address in brackets; sockets take it without. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

/** Of IPv6 only 2000::/3 is handed out to the public; the rest of what ipaddr.js calls unicast is closed, `::7f00:1` with it. */
function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv4' || address.match(ipaddr.parseCIDR('2000::/3'))
}

function covers(entry: string, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (!ipaddr.isValidCIDR(entry))
    return ipaddr.isValid(entry) && ipaddr.process(entry).toString() === address.toString()
  const [network, bits] = ipaddr.parseCIDR(entry)
  return network.kind() === address.kind() && address.match(network, bits)
}
