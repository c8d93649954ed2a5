import { lookup as lookUpBySystem } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { rootCertificates } from 'node:tls'
import { Agent, buildConnector } from 'undici'
import type { Environment } from '../domain/event.ts'
import { createGate, type Gate, type GateRules, type Target } from './egress-gate.ts'
import { EgressRefused, type Refusal } from './egress-refused.ts'
import { canonicalHost, type Service } from './egress-rules.ts'

/**
 * The guard on every connection to a host that a tenant chose (SSRF). A name is resolved once, every address it has is
 * checked, and the connection is made to a checked address: there is no second look-up to answer differently.
 */
export interface Egress {
  /** An undici dispatcher that connects only to allowed addresses. It knows of no proxy, whatever the environment names. */
  dispatcher(environment: Environment): Agent
  /** An allowed address of a host, for protocols that bring their own sockets. Throws `EgressRefused`. */
  resolve(target: Target, environment: Environment): Promise<string>
  /** Why a target is refused, as far as that is known without looking it up: configuring asks no name server. */
  refusal: Gate['refusal']
  /** Throws that refusal, as an attempt does. */
  admit(target: Target, environment: Environment): void
  close(): Promise<void>
}

/** All the addresses that a name has. */
export type LookUp = (host: string) => Promise<{ address: string; family: number }[]>

export interface EgressRules extends GateRules {
  /** Certificate authorities (PEM) that receivers' certificates may come from besides the public ones. */
  extraAuthorities?: string | undefined
  /** The system's, `/etc/hosts` included, where nothing else is given. */
  lookUp?: LookUp
  /** For the operator, who may know what tenants may not. */
  report?: (refused: Refused) => void
}

export interface Refused {
  refusal: Refusal
  host: string
  environment: Environment
  /** What a name led to. */
  addresses?: string[]
}

/** As long as a destination's longest timeout: undici's own limit of 10 s would end an attempt before its time. */
const longestWaitMs = 30_000

const limits = {
  pipelining: 1,
  maxHeaderSize: 16 * 1024,
  headersTimeout: longestWaitMs,
  bodyTimeout: longestWaitMs,
  // A receiver may ask for longer; a name that leads elsewhere by now is to be looked up again.
  keepAliveMaxTimeout: longestWaitMs,
}

export function createEgress(rules: EgressRules): Egress {
  const { lookUp = (host) => lookUpBySystem(host, { all: true }), report } = rules
  const gate = createGate(rules)
  const ca = rules.extraAuthorities && [...rootCertificates, rules.extraAuthorities]
  const agents = new Map<Environment, Agent>()

  function refuse(refused: Refused): EgressRefused {
    report?.(refused)
    return new EgressRefused(refused.refusal)
  }

  function admit(target: Target, environment: Environment): void {
    const refusal = gate.refusal(target, environment)
    if (refusal) throw refuse({ refusal, host: target.host, environment })
  }

  async function addressesOf(written: string, environment: Environment) {
    const host = canonicalHost(written) ?? ''
    const family = isIP(host)
    const found = family ? [{ address: host, family }] : await lookUp(host)
    const addresses = found.map(({ address }) => address)
    // One closed address closes the name: a mixture is how rebinding attempts look.
    if (found.length > 0 && addresses.every((address) => gate.isOpen(address, host, environment)))
      return found
    throw refuse({ refusal: 'name', host, environment, addresses })
  }

  function guardedLookup(environment: Environment): LookupFunction {
    return (host, options, callback) => {
      addressesOf(host, environment).then(
        (found) => {
          const [first] = found
          if (options.all) callback(null, found)
          else callback(null, first?.address ?? '', first?.family)
        },
        (error: NodeJS.ErrnoException) => callback(error, '', 0),
      )
    }
  }

  function connector(environment: Environment): buildConnector.connector {
    const lookup = guardedLookup(environment)
    const connect = buildConnector({ lookup, timeout: longestWaitMs, ...(ca && { ca }) })
    return guardConnector(connect, {
      // Literal addresses are connected to without a look-up.
      admit: (target) => admit(target, environment),
      isOpen: (address, host) => gate.isOpen(address, host, environment),
    })
  }

  return {
    dispatcher(environment) {
      const known = agents.get(environment)
      if (known) return known
      const agent = new Agent({ ...limits, connect: connector(environment) })
      agents.set(environment, agent)
      return agent
    },
    async resolve(target, environment) {
      admit(target, environment)
      const [first] = await addressesOf(target.host, environment)
      if (!first) throw new EgressRefused('name')
      return first.address
    },
    refusal: (target, environment) => gate.refusal(target, environment),
    admit,
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.close()))
    },
  }
}

/** Checks a target before it is connected to, and what was connected to before anything is sent there. */
export function guardConnector(
  connect: buildConnector.connector,
  guard: { admit: (target: Target) => void; isOpen: (address: string, host: string) => boolean },
): buildConnector.connector {
  return (options, callback) => {
    const { hostname: host, protocol, port } = options
    try {
      guard.admit({ host, port: portOf(protocol, port), service: 'http' })
    } catch (error) {
      return callback(error as Error, null)
    }
    connect(options, (...[error, socket]) => {
      if (error) return callback(error, null)
      const address = socket.remoteAddress
      // Without one it is closed already, which undici finds out.
      if (address === undefined || guard.isOpen(address, canonicalHost(host) ?? ''))
        return callback(null, socket)
      socket.destroy()
      callback(new EgressRefused('address'), null)
    })
  }
}

/** Where a web address leads. */
export function targetOf(
  { hostname, protocol, port }: URL,
  service: Exclude<Service, 'smtp'> = 'http',
): Target {
  return { host: hostname, port: portOf(protocol, port), service }
}

function portOf(protocol: string, port: string): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}
