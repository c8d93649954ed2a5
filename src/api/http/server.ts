import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import { ApiError, type ErrorCode } from '../errors.ts'

/**
 * Limits on a caller's time and on the size of a request's head, so that callers that send a byte now and then cannot hold
 * connections forever.
 */
export const serverLimits = {
  /** Time for the head of a request. */
  headersTimeout: 15_000,
  /** Time for a whole request: enough for a batch of 8 MiB at 140 KiB/s. */
  requestTimeout: 60_000,
  /** Time between requests. Longer than the idle timeout of load balancers (usually 60 s), so that they close first. */
  keepAliveTimeout: 65_000,
  /** Interval at which Node checks these timeouts. */
  connectionsCheckingInterval: 5_000,
  /** Bytes of the path and all headers together. */
  maxHeaderSize: 16 * 1024,
} as const

type Limits = { [Name in keyof typeof serverLimits]: number }

/** Time without any traffic in either direction, as when a caller does not read the response. */
const idleTimeoutMs = 120_000
const maxHeaders = 100
/** A connection is closed after this many requests, so that callers spread to processes that were started later. */
const maxRequestsPerConnection = 10_000

/** Maximum number of requests in progress. Events have a lower limit of their own (`admission.ts`). */
const maxRequests = 1_000
/** Always answered, so that an overloaded process is not mistaken for a dead one. */
const healthPaths = new Set(['/healthz', '/readyz'])

/**
 * Creates an HTTP server that limits the cost of a connection and the number of requests in progress. Invalid HTTP gets a problem
 * response like any other fault.
 */
export function createApiServer(
  listener: RequestListener,
  limits: Limits = serverLimits,
  { requests = maxRequests } = {},
): Server {
  let inProgress = 0
  const checked: RequestListener = (request, response) => {
    const fault = headFault(request)
    if (fault) return refuseRequest(response, fault)
    if (inProgress >= requests && !healthPaths.has(request.url ?? '')) return refuseRequest(response, tooMany)
    inProgress++
    response.once('close', () => inProgress--)
    listener(request, response)
  }
  const server = createServer({ ...limits, insecureHTTPParser: false, requireHostHeader: true }, checked)
  server.timeout = idleTimeoutMs
  // Node silently drops headers beyond its own limit, so `headFault` counts them instead. `maxHeaderSize` limits the bytes.
  server.maxHeadersCount = 0
  server.maxRequestsPerSocket = maxRequestsPerConnection
  server.on('clientError', refuse)
  // RFC 9110 §10.1.1 lets the server choose: an unknown expectation is not met, and the request is handled like any other.
  server.on('checkExpectation', checked)
  return server
}

/** Detects faults that Node's parser accepts, although proxies could interpret the request differently from us. */
function headFault({ rawHeaders, httpVersionMajor }: IncomingMessage): ApiError | undefined {
  if (rawHeaders.length / 2 > maxHeaders)
    return new ApiError('headers_too_large', `The request has more than ${maxHeaders} headers.`)
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host')
  if (hosts.length > 1) return new ApiError('bad_request', 'The request has more than one Host header.')
  if (httpVersionMajor < 1) return new ApiError('bad_request', 'HTTP/1.0 or newer is required.')
  return undefined
}

const tooMany = new ApiError('overloaded', 'Too many requests are in progress. Try again in 1 s.', {
  headers: { 'Retry-After': '1' },
})

function refuseRequest(response: ServerResponse, problem: ApiError): void {
  const body = JSON.stringify(problem.toProblem())
  const headers = { ...problem.headers, ...problemHeaders(body), Connection: 'close' }
  response.writeHead(problem.status, headers).end(body)
}

function problemHeaders(body: string) {
  return {
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  }
}

/**
 * Answers requests that the parser or a timeout refused before a request object existed. The response quotes nothing of the input.
 */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [code, detail] = faults[error.code ?? ''] ?? notHttp
  const problem = new ApiError(code, detail)
  const body = JSON.stringify(problem.toProblem())
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    ...Object.entries(problemHeaders(body)).map(([name, value]) => `${name}: ${value}`),
    'Connection: close',
  ]
  socket.end([...head, '', body].join('\r\n'), () => socket.destroy())
}

const notHttp: [ErrorCode, string] = ['bad_request', 'The request is not valid HTTP.']
const faults: Partial<Record<string, [ErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: [
    'headers_too_large',
    `The request line and headers exceed the limit of ${serverLimits.maxHeaderSize} bytes.`,
  ],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'The request was not received in time.'],
}
