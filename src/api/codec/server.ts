import cors from 'cors'
import express, { type ErrorRequestHandler, type Request, type Response, type Router } from 'express'
import { linkBase } from '../../domain/crypto/signed-link.ts'
import { createPayloadCodec } from '../../temporal/payload-codec.ts'
import type { AppDeps } from '../deps.ts'
import { authorize } from '../auth/authorize.ts'
import { convertPayloads, payloadsBody } from './payloads.ts'
import {
  codecBase,
  codecPath,
  codecSessions,
  currentSession,
  endSession,
  openSession,
  requireOwnPage,
} from './session.ts'
import { ApiError } from '../errors.ts'
import { isFormFault } from '../http/form-fault.ts'
import { createKeyGuesses } from '../auth/key-guesses.ts'
import { formatTime } from '../pages/acknowledge.ts'
import { codecHeaders, renderCodec, type CodecView } from '../pages/codec.ts'
import { bodyReader } from '../http/body/read.ts'
import { requestKey } from '../auth/request-key.ts'
import { asApiError, logFault } from '../http/service-fault.ts'
import { endedSessionCookie, sessionCookie, type Session } from '../auth/session.ts'

/** Enough for one page of a history in Temporal's UI; one event may have 256 KiB. */
const bodyMaxBytes = 2 * 1024 * 1024

/**
 * Temporal's remote codec server. Temporal's UI and CLI use it to decode payloads for holders of the platform key. The CLI sends
 * the key; a browser gets a session, so that no page of another program stores the key. Without payload keys, it has no routes.
 */
export function codecServer(deps: AppDeps): Router {
  const router = express.Router()
  if (!deps.payloadKeys) return router
  const codec = createPayloadCodec(deps.payloadKeys)
  const readBody = bodyReader({ body: payloadsBody, bodyMaxBytes })
  const refuseGuess = createKeyGuesses()
  const uiOrigins = deps.temporalUiUrl === undefined ? [] : [new URL(deps.temporalUiUrl).origin]

  /** Requires the platform key, or a session that may be used by our own pages and those of Temporal's UI. */
  async function requireReader(request: Request): Promise<void> {
    if (await currentSession(request, deps)) return requireOwnPage(request, deps, uiOrigins)
    const key = requestKey(request)
    await authorize(key, { access: 'platform' }, deps).catch((refusal: unknown) =>
      refuseGuess(key, request.ip, refusal),
    )
  }

  const allowUi = cors({
    origin: uiOrigins,
    credentials: true,
    methods: ['POST'],
    allowedHeaders: ['Content-Type', 'X-Namespace', 'Authorization'],
    maxAge: 600,
  })
  for (const how of ['encode', 'decode'] as const) {
    router.use(`${codecPath}/${how}`, allowUi)
    router.post(`${codecPath}/${how}`, async (request, response) => {
      await requireReader(request)
      // A form of another site cannot send this content type.
      if (request.is('application/json') === false)
        throw new ApiError('invalid_json', 'The body must be JSON and sent as application/json.')
      response.json(await convertPayloads(codec, how, await readBody(request, response)))
    })
  }
  router.use(codecPath, sessionPages(deps, refuseGuess))
  return router
}

/** The page that starts and ends a session in this browser. */
function sessionPages(deps: AppDeps, refuseGuess: ReturnType<typeof createKeyGuesses>): Router {
  const router = express.Router()
  const kind = codecSessions(deps)
  const base = codecBase(deps)
  const shared = { base, temporalUiUrl: deps.temporalUiUrl }
  const parseForm = express.urlencoded({ extended: false, limit: '4kb' })
  const show = (response: Response, view: CodecView, status = 200) =>
    void response
      .status(status)
      .set(codecHeaders)
      .type('html')
      .send(renderCodec({ ...shared, ...view }))

  router.get('/', async (request, response) => {
    const session = await currentSession(request, deps)
    show(response, session ? opened(request, session, deps) : { state: 'closed' })
  })
  router.post('/session', parseForm, async (request, response) => {
    requireOwnPage(request, deps)
    const key = readKey(request.body)
    const session = await openSession(deps, key, request.ip).catch((refusal: unknown) =>
      refuseGuess({ key, inQuery: false }, request.ip, refusal),
    )
    response.set('Set-Cookie', sessionCookie(kind, session, deps.secretKeys)).redirect(303, base)
  })
  router.post('/session/end', async (request, response) => {
    requireOwnPage(request, deps)
    const session = await currentSession(request, deps)
    if (session) await endSession(deps, session, request.ip)
    response.set('Set-Cookie', endedSessionCookie(kind)).redirect(303, base)
  })
  router.use(showFault(deps, show))
  return router
}

function opened(request: Request, { keyId, endsAt }: Session, { publicUrl }: AppDeps): CodecView {
  const here = publicUrl === undefined ? `${request.protocol}://${request.get('host')}` : linkBase(publicUrl)
  return { state: 'open', keyId, until: formatTime(new Date(endsAt)), endpoint: here + codecPath }
}

/** Reads the key that was typed or pasted into the form. */
function readKey(body: unknown): string {
  const { key } = (body ?? {}) as { key?: unknown }
  return typeof key === 'string' && /^[\x21-\x7E]{1,256}$/.test(key.trim()) ? key.trim() : ''
}

/** Renders errors as a page that shows the form again. */
function showFault(
  { log }: AppDeps,
  show: (response: Response, view: CodecView, status: number) => void,
): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    if (isFormFault(error))
      return show(response, { state: 'closed', problem: 'The form could not be read.' }, error.status)
    const fault = asApiError(error)
    logFault(log, { method: request.method, path: codecPath }, fault)
    response.set(fault.headers)
    const wrong =
      fault.code === 'unauthorized' ? 'This API key is invalid, revoked or expired.' : fault.message
    show(response, { state: 'closed', problem: wrong }, fault.status)
  }
}
