import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import express, { type Request, type Response } from 'express'
import type { z } from 'zod'
import { maxEventBytes, type Json } from '../../../domain/event.ts'
import { ApiError, invalid } from '../../errors.ts'
import { requirePosted, requireShape } from './posted-json.ts'
import type { Route } from '../route.ts'
import { structureProblem } from './scan.ts'
import { yamlTypes } from './yaml.ts'

/**
 * Returns a function that reads the request body of a route as JSON or, if the route allows it, as YAML. It enforces the limits and
 * changes nothing in the body.
 */
export function bodyReader({
  body: schema,
  yaml,
  bodyMaxBytes = maxEventBytes,
  dataAt,
  itemsAt,
}: Pick<Route, 'body' | 'yaml' | 'bodyMaxBytes' | 'dataAt' | 'itemsAt'>) {
  const texts = new WeakMap<object, string>()
  const options = {
    // The limit also applies to the decompressed size: a small body cannot become a large one.
    limit: bodyMaxBytes,
    // Clients of the adopted contracts send any content type, or none. A page of another site cannot misuse this, because it has no
    // key to send.
    type: () => true,
    verify(request: IncomingMessage, _response: ServerResponse, bytes: Buffer, encoding: string) {
      requireUtf8(bytes, encoding)
      // Removes the byte order mark, as the parser does.
      texts.set(request, bytes.toString().replace(/^\uFEFF/, ''))
    },
  }
  const parseText = express.text(options)
  const parseJson = express.json({
    ...options,
    verify(request, response, bytes, encoding) {
      options.verify(request, response, bytes, encoding)
      requireBounds(bytes)
    },
  })

  return async (
    request: Request,
    response: Response,
    readYaml?: (text: string) => Promise<Json>,
  ): Promise<unknown> => {
    if (!schema) return undefined
    const isYaml = yaml === true && readYaml !== undefined && typeof request.is(yamlTypes) === 'string'
    await run(isYaml ? parseText : parseJson, request, response)
    const given =
      isYaml && typeof request.body === 'string' ? await readYaml(request.body) : (request.body as unknown)
    if (isYaml) requireShape(given)
    else requirePosted(given, texts.get(request) ?? '', { dataAt, itemsAt })
    // The parser turns an empty body into `{}`.
    if (given !== undefined && request.get('content-length') !== '0') return given
    return emptyBody(schema)
  }
}

/** A missing body counts as `{}` if the schema requires no field. */
function emptyBody(schema: z.ZodType): object {
  if (schema.safeParse({}).success) return {}
  throw invalidJson('is missing')
}

/**
 * Bytes that are not UTF-8 would be stored as something other than what was sent. The error has the same type as body-parser's own.
 */
function requireUtf8(bytes: Buffer, encoding: string): void {
  if (encoding === 'utf-8' && isUtf8(bytes)) return
  throw Object.assign(new Error('not UTF-8'), { type: 'charset.unsupported' })
}

/** Refuses a body that would take long to parse, before it is parsed. */
function requireBounds(bytes: Buffer): void {
  const problem = structureProblem(bytes)
  if (problem !== undefined) throw Object.assign(new Error(problem), { type: outOfBounds })
}

const outOfBounds = 'structure.too.large'

/** Runs Express's parser as a promise, so that its errors are handled like all others. */
function run(parser: express.RequestHandler, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    void parser(request, response, (error?: unknown) => {
      if (error) reject(bodyError(error as Error))
      else resolve()
    })
  })
}

/** Translates body-parser's errors to ours. Source: body-parser's README, "Errors". */
function bodyError(error: Error & { type?: string; limit?: number; status?: number }): Error {
  const { type, limit } = error
  switch (type) {
    case 'entity.too.large':
      return new ApiError('payload_too_large', `The body exceeds the limit of ${limit} bytes.`, {
        errors: [{ path: '(body)', message: `must be at most ${limit} bytes` }],
      })
    case 'entity.parse.failed':
      return invalidJson('is not valid JSON')
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return invalidJson('must be UTF-8, optionally compressed with gzip, deflate or br')
    case outOfBounds:
      return invalid([{ path: '(body)', message: error.message }])
    case 'request.aborted':
    case 'request.size.invalid':
      return invalidJson('ended before it was complete')
    default:
      // Decompression errors have no `type`.
      return error.status === 400 ? invalidJson('could not be decompressed') : error
  }
}

function invalidJson(message: string): ApiError {
  return new ApiError('invalid_json', `The body ${message}.`, { errors: [{ path: '(body)', message }] })
}
