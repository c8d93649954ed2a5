import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Router } from 'express'
import type { AppDeps } from '../deps.ts'
import { ApiError } from '../errors.ts'
import { isFormFault } from '../http/form-fault.ts'
import { createLinkLimits } from './limits.ts'
import { pageHeaders } from '../pages/page.ts'
import { asApiError, logFault } from '../http/service-fault.ts'

/** Errors of every page behind a link: the link does not exist, or the action failed. */
type LinkFault = { state: 'unknown' } | { state: 'fault'; detail: string }

/** The page behind one kind of links in messages. */
export interface LinkPage<Ref, View> {
  /** Base path of the links. Everything below it is treated as a link. */
  path: string
  /** Returns the reference in a token, or `undefined` if the token is invalid. */
  readToken(token: string): Ref | undefined
  view(ref: Ref): Promise<View>
  /** Parses the body that a browser or a mail program sends. */
  readBody: RequestHandler
  submit(ref: Ref, request: Pick<Request, 'body' | 'ip' | 'headers'>): Promise<View>
  /** `status` defaults to 200. It is ignored for errors, which are sent with their own status. */
  show(view: View | LinkFault): { html: string; status?: number }
}

/** Time limit for all calls to Temporal within one request. */
const temporalDeadlineMs = 10_000

/**
 * Serves one kind of links. Programs also open links, to scan for malware or to show a preview, so opening one changes nothing: a
 * person has to press the button.
 */
export function linkPages<Ref, View>(deps: AppDeps, page: LinkPage<Ref, View>): Router {
  const router = express.Router()
  const limits = createLinkLimits()
  const path = `${page.path}{/*token}`

  /** Returns the reference in a link, or throws 404. The signature is checked first, because it costs only a hash. */
  async function requireRef(request: Request): Promise<Ref> {
    const token = [request.params.token ?? []].flat().join('/')
    const ref = page.readToken(token)
    if (ref) await limits.countVisit(token)
    else await limits.countMiss(request.ip ?? '')
    if (!ref) throw new ApiError('not_found', 'This link does not exist.')
    return ref
  }

  function withinDeadline<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    return deps.temporal.withDeadline(Date.now() + temporalDeadlineMs, ask)
  }

  router.use(page.path, (_request, response, next) => {
    response.set(pageHeaders)
    next()
  })
  router.get(path, async (request, response) => {
    const ref = await requireRef(request)
    const { html, status = 200 } = page.show(await withinDeadline(() => page.view(ref)))
    response.status(status).type('html').send(html)
  })
  router.post(path, page.readBody, async (request, response) => {
    const ref = await requireRef(request)
    const { html, status = 200 } = page.show(await withinDeadline(() => page.submit(ref, request)))
    response.status(status).type('html').send(html)
  })
  router.use(page.path, showFault(deps, page))
  return router
}

/** Renders errors as a page, because links are opened by people. */
function showFault<Ref, View>({ log }: AppDeps, page: LinkPage<Ref, View>): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    const send = (status: number, fault: LinkFault) =>
      response.status(status).type('html').send(page.show(fault).html)
    if (isFormFault(error))
      return send(error.status, { state: 'fault', detail: 'The form could not be read.' })
    const fault = asApiError(error)
    // The link is not logged, because readers of the log must not be able to use it.
    logFault(log, { method: request.method, path: page.path }, fault)
    response.set(fault.headers)
    if (isUnknown(fault)) return send(404, { state: 'unknown' })
    return send(fault.status, { state: 'fault', detail: fault.message })
  }
}

/** A link with invalid encoding is treated as unknown. */
function isUnknown({ code }: ApiError): boolean {
  return code === 'not_found' || code === 'bad_request'
}
