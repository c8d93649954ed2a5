import { ApiError, errorCodes, type ErrorCode } from '../errors.ts'
import { isIdempotent } from '../http/idempotent.ts'
import type { Route } from '../http/route.ts'
import { problemDetails } from './examples/problems.ts'
import { schemaReference } from './schemas.ts'

/** The name of the response for each status that an error can have. */
const responseNames: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  408: 'RequestTimeout',
  409: 'Conflict',
  413: 'PayloadTooLarge',
  422: 'ValidationFailed',
  429: 'RateLimited',
  431: 'HeadersTooLarge',
  500: 'InternalError',
  503: 'Unavailable',
}

const codes = Object.keys(errorCodes) as ErrorCode[]

/** Errors of every route. The first three belong to HTTP itself. */
const always: ErrorCode[] = [
  'bad_request',
  'request_timeout',
  'headers_too_large',
  'unauthorized',
  'forbidden',
  'rate_limited',
  'internal',
  'unavailable',
]

/** Returns the responses of a route's errors by status, as references to `problemResponses`. */
export function describeErrors(route: Route): Record<string, object> {
  const statuses = new Set(errorsFor(route).map((code) => errorCodes[code].status))
  return Object.fromEntries(
    [...statuses]
      .sort((one, other) => one - other)
      .map((status) => [status, { $ref: `#/components/responses/${responseNames[status]}` }]),
  )
}

function errorsFor(route: Route): ErrorCode[] {
  const { path, query, body, errors = [] } = route
  return [
    ...always,
    ...errors,
    ...given(path.includes(':'), 'not_found'),
    ...given(body !== undefined, 'invalid_json', 'payload_too_large', 'invalid_request'),
    ...given(query !== undefined, 'invalid_request'),
    // The same key may be in use by a request in progress, or have been used for another body.
    ...given(isIdempotent(route), 'conflict', 'invalid_request'),
    ...given(route.idempotencyKey !== undefined, 'invalid_request'),
    ...given(route.causesWebhooks !== undefined, 'loop_detected'),
  ]
}

function given(applies: boolean, ...errors: ErrorCode[]): ErrorCode[] {
  return applies ? errors : []
}

const retryAfter = {
  description: 'The number of seconds to wait.',
  schema: { type: 'integer', minimum: 0 },
}

/** The named responses, each with an example of every code that has its status. */
export const problemResponses = Object.fromEntries(
  Object.entries(responseNames).map(([status, name]) => [name, describeProblem(Number(status))]),
)

function describeProblem(status: number): object {
  const own = codes.filter((code) => errorCodes[code].status === status)
  const examples = own.map((code) => [code, { value: exampleProblem(code) }] as const)
  return {
    description: own.map((code) => errorCodes[code].title).join(', or '),
    ...((status === 429 || status === 503) && { headers: { 'Retry-After': retryAfter } }),
    content: {
      'application/problem+json': {
        schema: { $ref: schemaReference('Problem') },
        examples: Object.fromEntries(examples),
      },
    },
  }
}

function exampleProblem(code: ErrorCode): object {
  const { detail, errors } = problemDetails[code]
  return new ApiError(code, detail, { errors }).toProblem()
}
