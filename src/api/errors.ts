import { definedOnly } from '../domain/defined-only.ts'

/** All error codes of the API with status and title. A test keeps docs/reference/errors.md and OpenAPI in step with this table. */
export const errorCodes = {
  bad_request: { status: 400, title: 'Malformed request' },
  invalid_json: { status: 400, title: 'Invalid JSON' },
  unauthorized: { status: 401, title: 'Authentication required' },
  forbidden: { status: 403, title: 'Insufficient permissions' },
  not_found: { status: 404, title: 'Not found' },
  request_timeout: { status: 408, title: 'Request timeout' },
  event_id_conflict: { status: 409, title: 'Event id conflict' },
  already_exists: { status: 409, title: 'Already exists' },
  erased: { status: 409, title: 'Event erased' },
  already_ended: { status: 409, title: 'Already ended' },
  conflict: { status: 409, title: 'State conflict' },
  limit_reached: { status: 409, title: 'Limit reached' },
  payload_too_large: { status: 413, title: 'Payload too large' },
  invalid_request: { status: 422, title: 'Validation failed' },
  loop_detected: { status: 422, title: 'Webhook loop detected' },
  rate_limited: { status: 429, title: 'Rate limit exceeded' },
  headers_too_large: { status: 431, title: 'Headers too large' },
  internal: { status: 500, title: 'Internal error' },
  unavailable: { status: 503, title: 'Dependency unavailable' },
  overloaded: { status: 503, title: 'Overloaded' },
} as const

export type ErrorCode = keyof typeof errorCodes

/** A problem with one field. `path` is dotted, as in `config.url`; `(body)` means the whole body. */
export interface FieldError {
  path: string
  message: string
}

/** The only error class of the API. Its text is public; the cause is for the log only. */
export class ApiError extends Error {
  readonly code: ErrorCode
  readonly errors: FieldError[] | undefined
  readonly headers: Record<string, string>
  /** True if the log counts such errors, so that it need not have a line for each. */
  readonly isCounted: boolean

  constructor(
    code: ErrorCode,
    detail: string,
    more: {
      errors?: FieldError[]
      cause?: unknown
      headers?: Record<string, string>
      isCounted?: boolean
    } = {},
  ) {
    super(detail, { cause: more.cause })
    this.code = code
    this.errors = more.errors
    this.headers = more.headers ?? {}
    this.isCounted = more.isCounted ?? false
  }

  get status(): number {
    return errorCodes[this.code].status
  }

  /** RFC 9457 problem details. */
  toProblem() {
    return definedOnly({
      type: `urn:switchyard:error:${this.code}`,
      title: errorCodes[this.code].title,
      status: this.status,
      code: this.code,
      detail: this.message,
      errors: this.errors,
    })
  }
}

export function notFound(what: string): ApiError {
  return new ApiError('not_found', `No ${what} with this id is visible to this key.`)
}

export function invalid(errors: FieldError[]): ApiError {
  const [first] = errors
  const others = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return new ApiError(
    'invalid_request',
    first ? `${first.path} ${first.message}${others}` : 'The request is invalid.',
    {
      errors,
    },
  )
}
