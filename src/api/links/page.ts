import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Router } from 'express'
import type { AppDeps } from '../deps.ts'
import { ApiError } from '../errors.ts'
import { isFormFault } from '../http/form-fault.ts'
import { createLinkLimits } from './limits.ts'
import { pageHeaders } from '../pages/page.ts'
import { asApiError, logFault } from '../http/service-fault.ts'

/** What every page behind a link can come to: there is no such link, or it did not work. */
type LinkFault = { state: 'unknown' } | { state: 'fault'; detail: string }

/** The page behind one kind of links in messages. */
export interface LinkPage<Ref, View> {
  /** Below it there is nothing but links, whatever they look like. */
  path: string
  /** What a token stands for, if it is good. */
  readToken(token: string): Ref | undefined
  view(ref: Ref): Promise<View>
  /** Reads what a browser or a mail program sends. */
  readBody: RequestHandler
  submit(ref: Ref, request: Pick<Request, 'body' | 'ip' | 'headers'>): Promise<View>
  /** `status` is that of a fault. */
  show(view: View | LinkFault): { html: string; status?: number }
}

/** How long Temporal may take to answer, all in all. */
const temporalDeadlineMs = 10_000

/**
 * Programs open links as well, to look for malware or to show a preview: opening one changes nothing, and a person presses the
 * button.
 */
export function linkPages<Ref, View>(deps: AppDeps, page: LinkPage<Ref, View>): Router {
  const router = express.Router()
  const limits = createLinkLimits()
  const path = `${page.path}{/*token}`

  /** What a link stands for, or 404. A good signature is told first: it costs nothing but a hash. */
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

/** Faults as a page: whoever follows a link is no program. */
function showFault<Ref, View>({ log }: AppDeps, page: LinkPage<Ref, View>): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    const send = (status: number, fault: LinkFault) =>
      response.status(status).type('html').send(page.show(fault).html)
    if (isFormFault(error))
      return send(error.status, { state: 'fault', detail: 'The form could not be read.' })
    const fault = asApiError(error)
    // Without the link: whoever reads logs is not to act by it.
    logFault(log, { method: request.method, path: page.path }, fault)
    response.set(fault.headers)
    if (isUnknown(fault)) return send(404, { state: 'unknown' })
    return send(fault.status, { state: 'fault', detail: fault.message })
  }
}

/** A link that is not well encoded is none of ours, either. */
function isUnknown({ code }: ApiError): boolean {
  return code === 'not_found' || code === 'bad_request'
}
