import type { components } from './generated/schema.ts'

type Problem = components['schemas']['Problem']

/** The `code` of an error response, or `unknown` for a response that is not Switchyard's own, such as a proxy's. */
export type ErrorCode = Problem['code'] | 'unknown'

/** The class of all errors that the client throws, except a `TypeError` for wrong arguments and the reason of your own `signal`. */
export class SwitchyardError extends Error {
  override name = 'SwitchyardError'
}

/** The API refused the request. Decide by `code` and `status`. */
export class ApiError extends SwitchyardError {
  override name = 'ApiError'
  readonly status: number
  readonly code: ErrorCode
  /** The fields that are wrong. */
  readonly errors: NonNullable<Problem['errors']>
  /** Set if the response has `Retry-After`. */
  readonly retryAfterMs: number | undefined
  /** The parsed body, or its text if it is not JSON. */
  readonly body: unknown

  constructor(status: number, body: unknown, retryAfterMs?: number) {
    const problem = isProblem(body) ? body : undefined
    super(problem?.detail ?? `The response has status ${status} and no problem details.`)
    this.status = status
    this.code = problem?.code ?? 'unknown'
    this.errors = problem?.errors ?? []
    this.retryAfterMs = retryAfterMs
    this.body = body
  }
}

/** No complete response arrived: the network failed or the time was up. The request may have been carried out. */
export class ConnectionError extends SwitchyardError {
  override name = 'ConnectionError'
}

export type SignatureProblem =
  | 'header_missing'
  | 'header_malformed'
  | 'signature_mismatch'
  | 'timestamp_out_of_tolerance'
  | 'body_malformed'

/** The webhook was not signed with any of the secrets, was changed on its way, or is too old. Answer 401. */
export class SignatureError extends SwitchyardError {
  override name = 'SignatureError'
  readonly reason: SignatureProblem

  constructor(reason: SignatureProblem, message: string) {
    super(message)
    this.reason = reason
  }
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body
}
