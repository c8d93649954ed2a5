import express, { type Request, type Router } from 'express'
import { assertNever } from '../../domain/assert-never.ts'
import {
  confirmPath,
  readConfirmToken,
  readUnsubscribeToken,
  unsubscribePath,
} from '../../domain/email/link.ts'
import type { AppDeps } from '../deps.ts'
import { confirm, unsubscribe, viewConfirming, viewUnsubscribing } from './email-actions.ts'
import { linkPages } from './page.ts'
import { renderEmailPage, type EmailView } from '../pages/email.ts'

/** Serves the pages on which people confirm that they want mail, or unsubscribe. */
export function emailLinkPages(deps: AppDeps): Router {
  const router = express.Router()
  const { secretKeys } = deps
  const readBody = express.raw({ type: () => true, limit: '16kb' })
  router.use(
    linkPages(deps, {
      path: confirmPath,
      readToken: (token) => readConfirmToken(token, secretKeys),
      view: (ref) => viewConfirming(deps, ref),
      readBody,
      submit: async (ref, request) =>
        (await readFields(request)).get('confirm') === 'yes'
          ? confirm(deps, ref, request.ip)
          : withProblem(await viewConfirming(deps, ref)),
      show,
    }),
    linkPages(deps, {
      path: unsubscribePath,
      readToken: (token) => readUnsubscribeToken(token, secretKeys),
      view: (ref) => viewUnsubscribing(deps, ref),
      readBody,
      submit: async (ref, request) =>
        asksToUnsubscribe(await readFields(request))
          ? unsubscribe(deps, ref, request.ip)
          : withProblem(await viewUnsubscribing(deps, ref)),
      show,
    }),
  )
  return router
}

/** Accepts the page's own button and the one-click button of mail programs (RFC 8058 §3.2). */
function asksToUnsubscribe(fields: FormData): boolean {
  return fields.get('unsubscribe') === 'yes' || fields.get('List-Unsubscribe') === 'One-Click'
}

/**
 * Reads form fields. Browsers send them URL-encoded, mail programs also as multipart (RFC 8058 §3.1). Any other body has no fields.
 */
async function readFields({
  body,
  headers,
}: { body?: unknown } & Pick<Request, 'headers'>): Promise<FormData> {
  const type = headers['content-type'] ?? ''
  if (!Buffer.isBuffer(body)) return new FormData()
  try {
    return await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData()
  } catch {
    return new FormData()
  }
}

function withProblem(view: EmailView): EmailView {
  return view.state === 'confirm' || view.state === 'unsubscribe' ? { ...view, problem: true } : view
}

function show(view: EmailView) {
  return { html: renderEmailPage(view), status: toStatus(view) }
}

function toStatus(view: EmailView): number {
  switch (view.state) {
    case 'confirm':
    case 'unsubscribe':
      return view.problem ? 422 : 200
    case 'confirmed':
    case 'unsubscribed':
    case 'gone':
      return 200
    case 'expired':
      return 410
    case 'unknown':
      return 404
    case 'fault':
      return 500
    default:
      return assertNever(view)
  }
}
