import { request as createRequest, type Agent, type ClientRequest } from 'node:http'
import { maxExcerptBytes } from '../domain/delivery/outcome.ts'
import type { AgentRequest } from './http-agent.ts'
import { maxHeadBytes, ResponseHead, type HeaderFields } from './response-head.ts'

export interface HttpPost {
  url: URL
  headers: Record<string, string>
  body: string
  agent: Agent
  /** Ends the exchange, wherever it is. */
  signal: AbortSignal
}

export interface HttpResponse {
  status: number
  headers: HeaderFields
  /** The start of the body. */
  body: Buffer
}

/** No status line arrived. */
export class Unanswered extends Error {
  constructor(
    cause: unknown,
    /** The connection was kept from an earlier request, and the receiver may have closed it before it saw this one. */
    readonly isStaleConnection: boolean,
  ) {
    super('no answer', { cause })
  }
}

/** How long the rest of a response may take after its status line: the status decides, the rest is only for the log. */
const restTimeoutMs = 1_000

/**
 * Posts once over one connection. Reads responses as leniently as curl, Go and Python: a bare LF ends a line, lines may be
 * folded, and a length may accompany chunks. Errors after the status line do not change the status.
 */
export async function exchange({ url, headers, body, agent, signal }: HttpPost): Promise<HttpResponse> {
  const options: AgentRequest = {
    method: 'POST',
    headers: { Host: url.host, ...headers },
    agent,
    signal,
    connectSignal: signal,
    insecureHTTPParser: true,
    maxHeaderSize: maxHeadBytes,
  }
  const request = createRequest(url, options)
  const head = new ResponseHead()
  const chunks: Buffer[] = []
  let isParsed = false
  request.once('response', () => (isParsed = true))
  const ended = readResponse(request, head, chunks)
  request.end(body)
  const error = await ended
  request.destroy() // It has let go of a connection that is kept.
  const { status } = head
  if (status === undefined)
    throw new Unanswered(error, request.reusedSocket && head.isSilent && !signal.aborted)
  // A response that the parser rejected is shown as it arrived. One that it accepted has its chunks decoded and may be empty.
  const start = isParsed ? Buffer.concat(chunks) : head.rest
  return { status, headers: head.headers, body: start.subarray(0, maxExcerptBytes) }
}

/** Reads until there is enough for the log, or no more to be had. Answers with what ended it, if that was an error. */
function readResponse(
  request: ClientRequest,
  head: ResponseHead,
  chunks: Buffer[],
): Promise<Error | undefined> {
  let restTimer: NodeJS.Timeout | undefined
  return new Promise<Error | undefined>((resolve) => {
    request.once('socket', (socket) => {
      const readAlong = (chunk: Buffer) => {
        head.push(chunk)
        if (head.status !== undefined) restTimer ??= setTimeout(resolve, restTimeoutMs, undefined)
      }
      // Before the parser, which may refuse these bytes.
      socket.prependListener('data', readAlong)
      request.once('close', () => void socket.off('data', readAlong))
    })
    request.once('response', (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes >= maxExcerptBytes) resolve(undefined)
      })
      response.on('end', () => {
        // At once: a moment later the agent may lend the connection to another request.
        if (!head.endsUnambiguously) request.socket?.destroy()
        resolve(undefined)
      })
      response.on('error', resolve)
    })
    request.on('error', resolve)
    request.once('close', () => resolve(undefined))
  }).finally(() => clearTimeout(restTimer))
}
