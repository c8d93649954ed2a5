import type { Environment } from '../domain/event.ts'
import { isPublic, parseAddress, unmapped, type Address } from './addresses.ts'
import type { Refusal } from './refused.ts'
import {
  canonicalHost,
  defaultSlackHosts,
  hostList,
  isLocalName,
  isPortOpen,
  isWellFormed,
  type PortRange,
  type Service,
} from './rules.ts'

/** What the operator decides about where tenants' destinations may be. */
export interface GateRules {
  /** CIDRs, addresses and host names that are open to both environments, at any port (`EGRESS_ALLOW`). */
  allow: readonly string[]
  /** Likewise those that are closed although they are public (`EGRESS_DENY`). They win. */
  deny?: readonly string[]
  /** Which ports URLs may name; by default all but those of other protocols (`EGRESS_PORTS`). */
  ports?: readonly PortRange[]
  /** Where Slack destinations may be (`SLACK_HOSTS`). */
  slackHosts?: readonly string[]
  /** Opens loopback to sandbox destinations, at any port, so that a first try with a local receiver works. */
  sandboxLoopback: boolean
}

/** Where somebody wants to connect to. The host is as it was written, an IPv6 address with brackets or without. */
export interface Target {
  host: string
  port: number
  service: Service
}

/** The guard's decisions. They ask nobody: what a name leads to is looked up elsewhere, and its addresses judged here. */
export interface Gate {
  /** Why a target is refused, as far as that is known without looking it up. */
  refusal(target: Target, environment: Environment): Refusal | undefined
  /** Whether a connection may be made to this address, which `host` (in canonical form) has or is. */
  isOpen(address: string, host: string, environment: Environment): boolean
}

const loopback = ['127.0.0.1', '::1']

export function createGate({ sandboxLoopback, ports, ...rules }: GateRules): Gate {
  const allow = hostList(rules.allow)
  const deny = hostList(rules.deny ?? [])
  const slack = hostList(rules.slackHosts ?? defaultSlackHosts)

  function isOpened(address: Address, environment: Environment): boolean {
    if (allow.hasAddress(address)) return true
    return sandboxLoopback && environment === 'sandbox' && unmapped(address).range() === 'loopback'
  }

  /** Whether the operator has opened a host, be it public or not: by its name, or for what it is. */
  function isHostOpened(host: string, environment: Environment): boolean {
    if (allow.hasName(host)) return true
    const addresses = (isLocalName(host) ? loopback : [host]).map(parseAddress)
    return addresses.some((address) => address && isOpened(address, environment))
  }

  return {
    refusal({ host: written, port, service }, environment) {
      const host = canonicalHost(written)
      if (host === undefined || !isWellFormed(host)) return 'host'
      const address = parseAddress(host)
      if (deny.hasName(host) || (address && deny.hasAddress(address))) return 'address'
      if (isHostOpened(host, environment)) return undefined
      if (isLocalName(host) || (address && !isPublic(address))) return 'address'
      if (service === 'slack' && !slack.hasName(host)) return 'slack'
      return isPortOpen(port, service, ports) ? undefined : 'port'
    },
    isOpen(text, host, environment) {
      const address = parseAddress(text)
      if (!address || deny.hasAddress(address)) return false
      return allow.hasName(host) || isPublic(address) || isOpened(address, environment)
    },
  }
}
