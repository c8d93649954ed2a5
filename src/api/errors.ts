import { definedOnly } from '../domain/defined-only.ts'

/** Every error code the API answers with: its status and title. A test keeps docs/reference/errors.md and OpenAPI in step with this table. */
export const errorCodes = {
  bad_request: { status: 400, title: 'The request cannot be read' },
  invalid_json: { status: 400, title: 'The body is not JSON' },
  unauthorized: { status: 401, title: 'A valid API key is needed' },
  forbidden: { status: 403, title: 'This key may not do that' },
  not_found: { status: 404, title: 'There is no such thing here' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  event_id_conflict: { status: 409, title: 'Another event has this id' },
  already_exists: { status: 409, title: 'There is one already' },
  erased: { status: 409, title: 'What the event held was erased' },
  already_ended: { status: 409, title: 'Nothing waits any more' },
  conflict: { status: 409, title: 'Its state does not allow that' },
  limit_reached: { status: 409, title: 'There are as many as there can be' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  invalid_request: { status: 422, title: 'The request has bad fields' },
  loop_detected: { status: 422, title: 'Webhook loop' },
  rate_limited: { status: 429, title: 'Too many requests' },
  headers_too_large: { status: 431, title: 'The path and headers are too large' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'A service we depend on does not answer' },
  overloaded: { status: 503, title: 'Overloaded' },
} as const

export type ErrorCode = keyof typeof errorCodes

/** What is wrong with one field. `path` is dotted, as in `config.url`; `(body)` stands for the body as a whole. */
export interface FieldError {
  path: string
  message: string
}

/** The one error of the API. Its text is public; the cause is for the log only. */
export class ApiError extends Error {
  readonly code: ErrorCode
  readonly errors: FieldError[] | undefined
  readonly headers: Record<string, string>

  constructor(
    code: ErrorCode,
    detail: string,
    more: { errors?: FieldError[]; cause?: unknown; headers?: Record<string, string> } = {},
  ) {
    super(detail, { cause: more.cause })
    this.code = code
    this.errors = more.errors
    this.headers = more.headers ?? {}
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
  return new ApiError('not_found', `There is no ${what} with this id for this key.`)
}

export function invalid(errors: FieldError[]): ApiError {
  const [first] = errors
  const others = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return new ApiError(
    'invalid_request',
    first ? `${first.path} ${first.message}${others}` : 'The request is not valid.',
    {
      errors,
    },
  )
}
