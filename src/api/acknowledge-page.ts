import express, { type ErrorRequestHandler, type Request, type Response, type Router } from 'express'
import { assertNever } from '../domain/assert-never.ts'
import { acknowledgePath, readAcknowledgeToken, type AcknowledgeRef } from '../domain/acknowledge-link.ts'
import { readView, submit } from './acknowledge-form.ts'
import type { AppDeps } from './app.ts'
import { ApiError } from './errors.ts'
import { createLinkLimits } from './link-limits.ts'
import { pageHeaders, renderAcknowledge, type AcknowledgeView } from './pages/acknowledge.ts'
import { asApiError, logFault } from './service-fault.ts'

/** How long Temporal may take to answer, all in all. */
const temporalDeadlineMs = 10_000

/** Below the path there is nothing but links, whatever they look like. */
const path = `${acknowledgePath}{/*token}`

/**
 * The page behind the links in messages. Programs open links as well, to look for malware or to show a preview: opening it
 * changes nothing, and a person presses the button.
 */
export function acknowledgePages(deps: AppDeps): Router {
  const router = express.Router()
  const limits = createLinkLimits()

  /** What a link stands for, or 404. A good signature is told first: it costs nothing but a hash. */
  async function requireRef(request: Request): Promise<AcknowledgeRef> {
    const token = [request.params.token ?? []].flat().join('/')
    const ref = readAcknowledgeToken(token, deps.secretKeys)
    if (ref) await limits.countVisit(token)
    else await limits.countMiss(request.socket.remoteAddress ?? '')
    if (!ref) throw new ApiError('not_found', 'There is no such link.')
    return ref
  }

  router.use(acknowledgePath, (_request, response, next) => {
    response.set(pageHeaders)
    next()
  })
  router.get(path, async (request, response) => {
    const ref = await requireRef(request)
    send(response, await withinDeadline(deps, () => readView(deps, ref)))
  })
  router.post(path, express.urlencoded({ extended: false, limit: '16kb' }), async (request, response) => {
    const ref = await requireRef(request)
    send(response, await withinDeadline(deps, () => submit(deps, ref, request.body)))
  })
  router.use(acknowledgePath, showFault(deps))
  return router
}

function withinDeadline<Answer>({ temporal }: AppDeps, ask: () => Promise<Answer>): Promise<Answer> {
  return temporal.withDeadline(Date.now() + temporalDeadlineMs, ask)
}

function send(response: Response, view: AcknowledgeView, status = statusOf(view)): void {
  response.status(status).type('html').send(renderAcknowledge(view))
}

function statusOf(view: AcknowledgeView): number {
  switch (view.state) {
    case 'open':
      return view.problems ? 422 : 200
    case 'acknowledged':
      return 200
    case 'sent':
      return 202
    case 'unknown':
      return 404
    case 'ended':
      return 409
    case 'fault':
      return 500
    default:
      return assertNever(view)
  }
}

/** Faults as a page: whoever follows a link is no program. */
function showFault({ log }: AppDeps): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    if (isFormFault(error))
      return send(response, { state: 'fault', detail: 'The form cannot be read.' }, error.status)
    const fault = asApiError(error)
    // Without the link: whoever reads logs is not to acknowledge by it.
    logFault(log, { method: request.method, path: acknowledgePath }, fault)
    response.set(fault.headers)
    const detail = fault.message
    send(
      response,
      fault.code === 'not_found' ? { state: 'unknown' } : { state: 'fault', detail },
      fault.status,
    )
  }
}

/** What the parser throws at a body that is too long, broken off or in an unknown encoding. Source: body-parser's README, "Errors". */
function isFormFault(error: unknown): error is Error & { status: number } {
  const { type, status } = error as { type?: unknown; status?: unknown }
  return error instanceof Error && typeof type === 'string' && typeof status === 'number' && status < 500
}
