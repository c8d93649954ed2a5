import { grpcCode } from '../temporal/grpc.ts'
import { ApiError } from './errors.ts'

/** gRPC: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const passing = new Set([1, 4, 8, 14])

/** A 503 when Temporal or PostgreSQL did not answer; `undefined` for any other fault. */
export function serviceFault(cause: unknown, advice = 'Try again.'): ApiError | undefined {
  const headers = { 'Retry-After': '5' }
  if (passing.has(grpcCode(cause) ?? 0))
    return new ApiError('unavailable', `Temporal does not answer. ${advice}`, { cause, headers })
  if (isDatabaseFault(cause))
    return new ApiError('unavailable', `PostgreSQL does not answer. ${advice}`, { cause, headers })
  return undefined
}

/** Prisma: P1001 and its like say that the server cannot be reached; the driver's own codes come through as they are. */
function isDatabaseFault(cause: unknown): boolean {
  const { code } = (cause ?? {}) as { code?: unknown }
  return typeof code === 'string' && /^(P10\d\d|P2024|ECONNREFUSED|ECONNRESET|ETIMEDOUT|57P0\d)$/.test(code)
}
