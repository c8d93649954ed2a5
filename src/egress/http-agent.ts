import { Agent as HttpAgent, type Agent, type ClientRequestArgs } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export interface Endpoint {
  host: string
  port: number
  signal: AbortSignal
}

/** The options of a request with such an agent. Node does not pass `signal` on to agents. */
export interface AgentRequest extends ClientRequestArgs {
  /** Ends the attempt to connect. */
  connectSignal?: AbortSignal
}

/** How long an idle connection is kept. After that the name is resolved again, because it may have changed. */
const maxIdleMs = 30_000

/** Applies to requests without a signal: a destination's longest timeout. */
const maxConnectMs = 30_000

/** An agent for Node's HTTP client that leaves making connections to `connect`. */
export function createHttpAgent(
  { tls, keepAlive }: { tls: boolean; keepAlive: boolean },
  connect: (endpoint: Endpoint) => Promise<Socket>,
): Agent {
  const options = { keepAlive, timeout: maxIdleMs }
  const agent = tls ? new HttpsAgent(options) : new HttpAgent(options)
  agent.createConnection = (request: AgentRequest, done) => {
    connect(readEndpoint(request)).then(
      (socket) => done?.(socket.destroyed ? connectionLost() : null, socket),
      (error: Error) => done?.(error, undefined as unknown as Duplex),
    )
    return undefined
  }
  return closeOnUnsolicitedData(agent)
}

function readEndpoint({
  host,
  port,
  connectSignal = AbortSignal.timeout(maxConnectMs),
}: AgentRequest): Endpoint {
  return { host: host ?? '', port: Number(port), signal: connectSignal }
}

/** Node's client would wait for ever for a socket that has closed before the client has it. */
function connectionLost(): Error {
  return Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' })
}

/** Data that arrives between two requests answers neither of them: it must not be read as the answer to the next one. */
function closeOnUnsolicitedData(agent: Agent): Agent {
  const keep = agent.keepSocketAlive.bind(agent)
  const reuse = agent.reuseSocket.bind(agent)
  agent.keepSocketAlive = (socket) => {
    socket.on('data', destroySocket)
    return keep(socket)
  }
  agent.reuseSocket = (socket, request) => {
    socket.off('data', destroySocket)
    reuse(socket, request)
  }
  return agent
}

function destroySocket(this: Duplex): void {
  this.destroy()
}
