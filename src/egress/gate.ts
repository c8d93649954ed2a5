import type { Environment } from '../domain/event.ts'
import { isPublic, parseAddress, unmapped, type Address } from './addresses.ts'
import { outsideHosts, refusals, type Refusal } from './refused.ts'
import {
  canonicalHost,
  hostList,
  isLocalName,
  isPortOpen,
  isWellFormed,
  type HostList,
  type PortRange,
  type Service,
  type ServiceHosts,
} from './rules.ts'

/** The operator's rules about where tenants' destinations may be. */
export interface GateRules {
  /** CIDRs, addresses and host names that are open to both environments, at any port (`EGRESS_ALLOW`). */
  allow: readonly string[]
  /**
   * CIDRs, addresses and host names that are closed although they are public (`EGRESS_DENY`). They take precedence over `allow`.
   */
  deny?: readonly string[]
  /** Which ports URLs may name; by default all but those of other protocols (`EGRESS_PORTS`). */
  ports?: readonly PortRange[] | undefined
  /** By a channel's name: the hosts that its messages may go to, instead of those it declares (`SLACK_HOSTS`). */
  serviceHosts?: Readonly<Record<string, readonly string[]>>
  /** Opens loopback to sandbox destinations, at any port, so that a first try with a local receiver works. */
  sandboxLoopback: boolean
}

/** The target of a connection. The host is as it was written, an IPv6 address with or without brackets. */
export interface Target {
  host: string
  port: number
  service: Service
  /** Nothing is sent to any other host than these. */
  within?: ServiceHosts | undefined
}

/** The guard's decisions, made without lookups: names are resolved elsewhere, and their addresses are checked here. */
export interface Gate {
  /** Why a target is refused, as far as that is known without looking it up. */
  refusal(target: Target, environment: Environment): Refusal | undefined
  /** True if a connection to this address is allowed. `host` (in canonical form) is the address or a name that resolved to it. */
  isOpen(address: string, host: string, environment: Environment): boolean
}

const loopback = ['127.0.0.1', '::1']

export function createGate({ sandboxLoopback, ports, ...rules }: GateRules): Gate {
  const allow = hostList(rules.allow)
  const deny = hostList(rules.deny ?? [])
  const serviceHosts = new Map<string, HostList>()

  function isOpened(address: Address, environment: Environment): boolean {
    if (allow.hasAddress(address)) return true
    return sandboxLoopback && environment === 'sandbox' && unmapped(address).range() === 'loopback'
  }

  /** True if the operator has opened a host, public or not, by its name or address. */
  function isHostOpened(host: string, environment: Environment): boolean {
    if (allow.hasName(host)) return true
    const addresses = (isLocalName(host) ? loopback : [host]).map(parseAddress)
    return addresses.some((address) => address && isOpened(address, environment))
  }

  function hostsOf({ name, allowed }: ServiceHosts): HostList {
    const known = serviceHosts.get(name) ?? hostList(rules.serviceHosts?.[name] ?? allowed)
    serviceHosts.set(name, known)
    return known
  }

  return {
    refusal({ host: written, port, service, within }, environment) {
      const host = canonicalHost(written)
      if (host === undefined || !isWellFormed(host)) return refusals.host
      const address = parseAddress(host)
      if (deny.hasName(host) || (address && deny.hasAddress(address))) return refusals.address
      if (isHostOpened(host, environment)) return undefined
      if (isLocalName(host) || (address && !isPublic(address))) return refusals.address
      if (within && !hostsOf(within).hasName(host)) return outsideHosts(within)
      return isPortOpen(port, service, ports) ? undefined : refusals.port
    },
    isOpen(text, host, environment) {
      const address = parseAddress(text)
      if (!address || deny.hasAddress(address)) return false
      return allow.hasName(host) || isPublic(address) || isOpened(address, environment)
    },
  }
}
