import express, { type Router } from 'express'
import { assertNever } from '../../domain/assert-never.ts'
import { acknowledgePath, readAcknowledgeToken } from '../../domain/crypto/acknowledge-link.ts'
import { readView, submit } from './acknowledge-form.ts'
import type { AppDeps } from '../deps.ts'
import { linkPages } from './page.ts'
import { renderAcknowledge, type AcknowledgeView } from '../pages/acknowledge.ts'

/** Serves the pages on which recipients of a message acknowledge its event through a link. */
export function acknowledgePages(deps: AppDeps): Router {
  return linkPages(deps, {
    path: acknowledgePath,
    readToken: (token) => readAcknowledgeToken(token, deps.secretKeys),
    view: (ref) => readView(deps, ref),
    readBody: express.urlencoded({ extended: false, limit: '16kb' }),
    submit: (ref, { body, ip }) => submit(deps, ref, body, ip),
    show: (view: AcknowledgeView) => ({ html: renderAcknowledge(view), status: toStatus(view) }),
  })
}

function toStatus(view: AcknowledgeView): number {
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
