import express, { type NextFunction, type Request, type Response, type Router } from 'express'
import type { z } from 'zod'
import { eventMaxBytes } from '../domain/event.ts'
import type { AppDeps } from './app.ts'
import { authorize } from './auth.ts'
import { ApiError, invalid, notFound, type FieldError } from './errors.ts'
import { unkeptNumbers } from './exact-numbers.ts'
import { keyParameter, requestKey } from './request-key.ts'
import type { Route } from './route.ts'
import { isStorable, requireStorable } from './storable.ts'
import { validate } from './validate.ts'
import { parseYaml, yamlType, yamlTypes } from './yaml.ts'

/** How long the calls to Temporal within one request may take before the API says that it does not answer. */
const temporalDeadlineMs = 10_000

/** Puts a route on a router: key, then rate limit, then body, then schemas, then the handler. */
export function mount(router: Router, route: Route, deps: AppDeps): void {
  const unkept = new WeakMap<object, FieldError[]>()
  const limit = route.bodyMaxBytes ?? eventMaxBytes
  const parseText = express.text({ limit, type: () => true })
  const parseBody = express.json({
    limit,
    type: () => true,
    // What it throws would become another error, so that it is thrown below.
    verify: (request, _response, bytes) => void unkept.set(request, unkeptNumbers(bytes.toString())),
  })

  router[route.method](route.path, async (request: Request, response: Response, next: NextFunction) => {
    const caller = await authorize(requestKey(request), route.access, deps)
    const ingest = route.access !== 'platform' && route.access.ingest === true
    response.set(await deps.rateLimits.consume(caller, ingest ? 'ingest' : 'management'))
    const isYaml = route.yaml === true && typeof request.is(yamlTypes) === 'string'
    if (route.body) await run(isYaml ? parseText : parseBody, request, response)
    if (isYaml && typeof request.body === 'string') request.body = parseYaml(request.body)
    const problems = unkept.get(request) ?? []
    if (problems.length > 0) throw invalid(problems)
    if (!Object.values(request.params).flat().every(isStorable)) throw notFound('thing')
    const parsed = {
      params: request.params as Record<string, string>,
      query: route.query && validate(route.query, omit(request.query, keyParameter)),
      body: route.body && validate(route.body, bodyOf(request, route.body)),
      caller,
      header: (name: string) => request.get(name),
      address: request.socket.remoteAddress,
    }
    if (!ingest) {
      requireStorable(parsed.query)
      requireStorable(parsed.body)
    }
    const reply = await deps.temporal.withDeadline(Date.now() + temporalDeadlineMs, () =>
      route.handle(parsed, deps),
    )
    if (response.headersSent) return next()
    response.status(reply.status)
    if (reply.yaml !== undefined && request.accepts(...yamlTypes, 'json') !== 'json')
      response.type(yamlType).send(reply.yaml)
    else if (reply.body === undefined) response.end()
    else response.json(reply.body)
  })
}

function omit(record: Record<string, unknown>, name: string): Record<string, unknown> {
  const { [name]: _left, ...rest } = record
  return rest
}

/** No body at all stands for `{}` where nothing in it is required. */
function bodyOf(request: Request, schema: z.ZodType): unknown {
  // The parser makes `{}` of a body of no bytes.
  if (request.body !== undefined && request.get('content-length') !== '0') return request.body as unknown
  if (schema.safeParse({}).success) return {}
  throw invalidJson('is missing')
}

/** Express's parser as a promise; its errors go the way of all others. */
function run(parser: express.RequestHandler, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    void parser(request, response, (error?: unknown) => {
      if (error) reject(bodyError(error as Error))
      else resolve()
    })
  })
}

/** What body-parser throws, in our words. Source: body-parser's README, "Errors". */
function bodyError(error: Error & { type?: string; limit?: number }): Error {
  const { type, limit } = error
  switch (type) {
    case 'entity.too.large':
      return new ApiError('payload_too_large', `The body has more than ${limit} bytes.`, {
        errors: [{ path: '(body)', message: `must have at most ${limit} bytes` }],
      })
    case 'entity.parse.failed':
      return invalidJson('is not valid JSON')
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return invalidJson('must be UTF-8, with no other encoding than gzip, deflate or br')
    case 'request.aborted':
    case 'request.size.invalid':
      return invalidJson('broke off')
    default:
      return error
  }
}

function invalidJson(message: string): ApiError {
  return new ApiError('invalid_json', `The body ${message}.`, { errors: [{ path: '(body)', message }] })
}
