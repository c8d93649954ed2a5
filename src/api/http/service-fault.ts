import { randomUUID } from 'node:crypto'
import type { Request } from 'express'
import type { Log } from '../../log.ts'
import { grpcCode } from '../../temporal/grpc.ts'
import { PayloadLocked } from '../../temporal/payload-codec.ts'
import { ApiError } from '../errors.ts'

/** Converts any error to an `ApiError`. Unexpected errors are our fault: the response has a reference, the log the cause. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : (serviceFault(error) ?? unexpected(error))
}

function unexpected(cause: unknown): ApiError {
  if (cause instanceof URIError) return new ApiError('bad_request', 'The path is not valid percent-encoding.')
  return new ApiError(
    'internal',
    `An unexpected error occurred. Quote this reference when you report it: ${randomUUID()}.`,
    {
      cause,
    },
  )
}

export function logFault(
  log: Log,
  { method, path }: Pick<Request, 'method' | 'path'>,
  fault: ApiError,
): void {
  const { code, message: detail, cause: err } = fault
  if (fault.status >= 500 && !fault.isCounted)
    log.error({ method, path, code, detail, err }, 'request.failed')
}

/** Transient gRPC codes: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const passing = new Set([1, 4, 8, 14])

/** Returns a 503 if Temporal or PostgreSQL did not respond, or `undefined` for any other fault. */
export function serviceFault(cause: unknown, advice = 'Retry the request.'): ApiError | undefined {
  const headers = { 'Retry-After': '5' }
  if (passing.has(grpcCode(cause) ?? 0))
    return new ApiError('unavailable', `Temporal is not responding. ${advice}`, { cause, headers })
  if (isPoolExhausted(cause))
    return new ApiError('unavailable', `All database connections are in use. ${advice}`, { cause, headers })
  if (cause instanceof PayloadLocked) return new ApiError('unavailable', lockedDetail, { cause })
  if (isDatabaseFault(cause))
    return new ApiError('unavailable', `PostgreSQL is not responding. ${advice}`, { cause, headers })
  return undefined
}

/** The log names the missing key. The operator can add it, and no data is lost meanwhile. */
const lockedDetail =
  'The data is encrypted with a key that Switchyard does not currently have. The operator must add the key to PAYLOAD_KEYS.'

/** pg-pool's error has no code. P2028 is Prisma's code for a transaction that got no connection in time. */
function isPoolExhausted(cause: unknown): boolean {
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown }
  return code === 'P2028' || message === 'timeout exceeded when trying to connect'
}

/**
 * P1001 and similar Prisma codes mean that the server is unreachable. The driver's own codes are passed through unchanged. For a
 * raw statement, or an error in the middle of a query, Prisma has one code of its own; what happened is then in `meta`.
 */
function isDatabaseFault(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  const { code, message, meta } = cause as DatabaseError
  // node-postgres has no code for it.
  if (code === undefined) return message === 'Connection terminated unexpectedly'
  const { kind, originalCode } = meta?.driverAdapterError?.cause ?? {}
  if (kind !== undefined && passingKinds.has(kind)) return true
  return passingCodes.test(code) || passingSqlStates.test(originalCode ?? code)
}

interface DatabaseError extends Error {
  code?: string
  meta?: { driverAdapterError?: { cause?: { kind?: string; originalCode?: string } } }
}

const passingCodes = /^(P10\d\d|P2024|P2037|ECONNREFUSED|ECONNRESET|ETIMEDOUT)$/
/** Of `@prisma/driver-adapter-utils`. */
const passingKinds = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
])
/** Lost connections (class 08), too few resources (53), a server that shuts down or has crashed (57P). Source: PostgreSQL, Appendix A. */
const passingSqlStates = /^(08\w{3}|53\w{3}|57P\w{2})$/
