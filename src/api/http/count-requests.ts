import type { Request, RequestHandler } from 'express'
import type { ApiMetrics } from '../../metrics/api.ts'

/** The label of requests without a template: unknown paths, and files of the documentation page. */
const otherRoute = 'other'
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS'])

/** The base path of a request's route. `request.baseUrl` is empty again once an error is handled, and has the caller's spelling. */
const bases = new WeakMap<Request, string>()

export function atBase(base: string): RequestHandler {
  return (request, _response, next) => {
    bases.set(request, base)
    next()
  }
}

/** Counts every request by the template of its route, so that no id and no unknown path becomes a label. */
export function countRequests({ countRequest }: Pick<ApiMetrics, 'countRequest'>): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now()
    response.once('close', () => {
      countRequest({
        method: knownMethods.has(request.method) ? request.method : 'other',
        route: findTemplate(request),
        status: response.writableFinished ? String(response.statusCode) : 'aborted',
        durationSeconds: (performance.now() - startedAt) / 1000,
      })
    })
    next()
  }
}

function findTemplate(request: Request): string {
  const { path } = (request.route ?? {}) as { path?: unknown }
  if (typeof path !== 'string') return otherRoute
  return `${bases.get(request) ?? request.baseUrl.toLowerCase()}${path}`
}
