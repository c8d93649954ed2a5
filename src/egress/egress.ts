import type { Agent } from 'node:http'
import { lookup as lookUpBySystem } from 'node:dns/promises'
import { isIP, type Socket } from 'node:net'
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import { LRUCache } from 'lru-cache'
import { definedOnly } from '../domain/defined-only.ts'
import type { Environment } from '../domain/event.ts'
import { dial, startTls, type ResolvedAddress } from './dial.ts'
import { createGate, type Gate, type GateRules, type Target } from './gate.ts'
import { EgressRefused, refusals, type Refusal } from './refused.ts'
import { canonicalHost, type ServiceHosts } from './rules.ts'
import { createHttpAgent } from './http-agent.ts'
import { within } from './network.ts'

/**
 * The guard on every connection to a host that a tenant chose (SSRF). A name is resolved once, every address it has is
 * checked, and the connection is made to a checked address: there is no second look-up to answer differently.
 */
export interface Egress {
  /** Connects to an allowed address of a host, and no other. It knows of no proxy. Throws `EgressRefused`. */
  connect(target: Target, environment: Environment, options: ConnectOptions): Promise<Socket>
  /** Connects to a host that the operator chose, wherever it is. */
  connectUnguarded(target: Target, options: ConnectOptions): Promise<Socket>
  /** An agent for Node's HTTP client whose connections are made by `connect`. */
  agent(protocol: string, environment: Environment, reuse: Reuse): Agent
  /** Certificates that are trusted, for protocols that start TLS by themselves. */
  secureContext: SecureContext
  /** Why a target is refused, as far as that is known without looking it up: configuring asks no name server. */
  refusal: Gate['refusal']
  /** Throws that refusal, as an attempt does. */
  admit(target: Target, environment: Environment): void
  close(): Promise<void>
}

interface ConnectOptions {
  tls: boolean
  /** Ends the attempt to connect, wherever it is. */
  signal: AbortSignal
  alpn?: string[]
}

/** Whether a request may use an open connection of an earlier one. */
type Reuse = 'reuse' | 'always new'

/** All the addresses that a name has. */
export type LookUp = (host: string) => Promise<ResolvedAddress[]>

export interface EgressRules extends GateRules {
  /** Certificate authorities (PEM) that receivers' certificates may come from besides the public ones. */
  extraAuthorities?: string
  /** The system's, `/etc/hosts` included, where nothing else is given. */
  lookUp?: LookUp
  /** Makes a connection to one of these addresses. */
  dial?: typeof dial
  /** For the operator, who may know what tenants may not. */
  report?: (refused: Refused) => void
}

export interface Refused {
  /** The refusal's name. */
  refusal: string
  host: string
  environment: Environment
  /** The addresses that the name resolved to. */
  addresses?: string[]
}

/** Hosts whose last TLS session is kept, for shorter handshakes. */
const maxSessions = 500

export function createEgress(rules: EgressRules): Egress {
  const { lookUp = (host) => lookUpBySystem(host, { all: true }), report } = rules
  const connectToFirst = rules.dial ?? dial
  const gate = createGate(rules)
  const secureContext = createSecureContext(
    rules.extraAuthorities ? { ca: [...rootCertificates, rules.extraAuthorities] } : {},
  )
  const sessions = new LRUCache<string, Buffer>({ max: maxSessions })
  const agents = new Map<string, Agent>()

  function refuse(refusal: Refusal, refused: Omit<Refused, 'refusal'>): EgressRefused {
    report?.({ refusal: refusal.name, ...refused })
    return new EgressRefused(refusal)
  }

  function admit(target: Target, environment: Environment): void {
    const refusal = gate.refusal(target, environment)
    if (refusal) throw refuse(refusal, { host: target.host, environment })
  }

  async function findAddresses(host: string): Promise<ResolvedAddress[]> {
    const family = isIP(host)
    return family ? [{ address: host, family }] : lookUp(host)
  }

  async function findOpenAddresses(host: string, environment: Environment): Promise<ResolvedAddress[]> {
    const found = await findAddresses(host)
    const addresses = found.map(({ address }) => address)
    // One closed address closes the name: a mixture is how rebinding attempts look.
    if (found.length > 0 && addresses.every((address) => gate.isOpen(address, host, environment)))
      return found
    throw refuse(refusals.name, { host, environment, addresses })
  }

  async function secure(socket: Socket, host: string, port: number, { signal, alpn }: ConnectOptions) {
    const key = `${host}:${port}`
    const session = sessions.get(key)
    const secured = await startTls(socket, definedOnly({ host, secureContext, session, alpn }), signal)
    secured.on('session', (next) => sessions.set(key, next))
    return secured
  }

  const egress: Egress = {
    async connect(target, environment, options) {
      admit(target, environment)
      const host = canonicalHost(target.host) ?? ''
      // A lookup cannot be aborted: it ends later, and its result is ignored.
      const addresses = await within(options.signal, findOpenAddresses(host, environment))
      const socket = await connectToFirst(addresses, target.port, options.signal)
      const address = socket.remoteAddress
      // A socket without an address is already closed, which its user will notice.
      if (address !== undefined && !gate.isOpen(address, host, environment)) {
        socket.destroy()
        throw new EgressRefused(refusals.address)
      }
      return options.tls ? secure(socket, host, target.port, options) : socket
    },
    async connectUnguarded({ host, port }, options) {
      const addresses = await within(options.signal, findAddresses(host))
      const socket = await connectToFirst(addresses, port, options.signal)
      return options.tls ? secure(socket, host, port, options) : socket
    },
    agent(protocol, environment, reuse) {
      const key = `${protocol} ${environment} ${reuse}`
      const known = agents.get(key)
      if (known) return known
      const tls = protocol === 'https:'
      const agent = createHttpAgent({ tls, keepAlive: reuse === 'reuse' }, ({ host, port, signal }) =>
        egress.connect({ host, port, service: 'http' }, environment, { tls, signal, alpn: ['http/1.1'] }),
      )
      agents.set(key, agent)
      return agent
    },
    secureContext,
    refusal: (target, environment) => gate.refusal(target, environment),
    admit,
    close() {
      for (const agent of agents.values()) agent.destroy()
      return Promise.resolve()
    },
  }
  return egress
}

/** The same guard, which admits nothing but these hosts, and what the operator has opened. */
export function withinHosts(egress: Egress, within: ServiceHosts): Egress {
  return {
    ...egress,
    connect: (target, environment, options) => egress.connect({ ...target, within }, environment, options),
    refusal: (target, environment) => egress.refusal({ ...target, within }, environment),
    admit: (target, environment) => egress.admit({ ...target, within }, environment),
  }
}

/** The host and port that an http(s) URL leads to. */
export function httpTarget({ hostname, protocol, port }: URL): Target {
  return { host: hostname, port: httpPort(protocol, port), service: 'http' }
}

function httpPort(protocol: string, port: string): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}
