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

/** How long a caller may take, and how much a head may hold: whoever sends a byte now and then must not hold connections for ever. */
export const serverLimits = {
  /** For the head of a request. */
  headersTimeout: 15_000,
  /** For the whole of it: a batch of 8 MiB at 140 KiB/s. */
  requestTimeout: 60_000,
  /** Between requests; longer than load balancers wait (60 s is usual), so that it is they who hang up. */
  keepAliveTimeout: 65_000,
  /** How often that is looked after. */
  connectionsCheckingInterval: 5_000,
  /** Bytes of the path and all headers. */
  maxHeaderSize: 16 * 1024,
} as const

type Limits = { [Name in keyof typeof serverLimits]: number }

/** In which nothing moves at all, in either direction: of a caller who reads no answer. */
const idleTimeoutMs = 120_000
const maxHeaders = 100
/** After which a connection is closed, so that callers spread over processes that came later. */
const maxRequestsPerConnection = 10_000

/** An HTTP server that bounds what a connection may cost. Requests that are no HTTP get a problem as any others do. */
export function createApiServer(listener: RequestListener, limits: Limits = serverLimits): Server {
  const checked: RequestListener = (request, response) => {
    const fault = headFault(request)
    if (fault) refuseRequest(response, fault)
    else listener(request, response)
  }
  const server = createServer({ ...limits, insecureHTTPParser: false, requireHostHeader: true }, checked)
  server.timeout = idleTimeoutMs
  // Node drops headers past its own limit without a word: we count them ourselves. `maxHeaderSize` bounds the bytes.
  server.maxHeadersCount = 0
  server.maxRequestsPerSocket = maxRequestsPerConnection
  server.on('clientError', refuse)
  // RFC 9110 §10.1.1 leaves it to us: an expectation that is not known is not met, and the request is answered as any other.
  server.on('checkExpectation', checked)
  return server
}

/** What Node's parser lets pass, although proxies and we could read it differently. */
function headFault({ rawHeaders, httpVersionMajor }: IncomingMessage): ApiError | undefined {
  if (rawHeaders.length / 2 > maxHeaders)
    return new ApiError('headers_too_large', `The request has more than ${maxHeaders} headers.`)
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host')
  if (hosts.length > 1) return new ApiError('bad_request', 'The request has more than one Host header.')
  if (httpVersionMajor < 1) return new ApiError('bad_request', 'HTTP/1.0 or newer is required.')
  return undefined
}

function refuseRequest(response: ServerResponse, problem: ApiError): void {
  const body = JSON.stringify(problem.toProblem())
  response.writeHead(problem.status, { ...problemHeaders(body), Connection: 'close' }).end(body)
}

function problemHeaders(body: string) {
  return {
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  }
}

/** What the parser or the clock refuses, before there is a request. Nothing of what was sent is repeated. */
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
