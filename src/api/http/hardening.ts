import cors from 'cors'
import type { RequestHandler } from 'express'
import helmet from 'helmet'
import { ApiError } from '../errors.ts'
import { hopsHeader } from '../../domain/hops.ts'
import { keyHeaders } from '../auth/request-key.ts'

/** Sources of a Content-Security-Policy that every page of ours begins with. None allows `unsafe-inline`. */
const nothing = { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] }
const oneYearSeconds = 365 * 24 * 60 * 60

/**
 * What every answer carries, JSON or not: nothing in it is to be run, framed, guessed at, told to others or kept. Pages set a
 * policy of their own on top. Browsers are told to stay with HTTPS only where people reach us by it.
 */
export function secureHeaders({ publicUrl }: { publicUrl: string | undefined }): RequestHandler[] {
  const overHttps = publicUrl !== undefined && new URL(publicUrl).protocol === 'https:'
  const headers = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { ...nothing, 'base-uri': ["'none'"] } },
    // Of this host alone: what else a domain serves is not ours to decide.
    strictTransportSecurity: overHttps && { maxAge: oneYearSeconds, includeSubDomains: false },
    referrerPolicy: { policy: 'no-referrer' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginEmbedderPolicy: false,
    xFrameOptions: { action: 'deny' },
  })
  return [headers, unkept]
}

/** Answers hold personal data and secrets: no browser and no proxy keeps them. */
const unkept: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store')
  next()
}

/** The page that describes the API: its scripts and styles are files of this host, its icons stand in its style sheet. */
export const docsHeaders = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    ...nothing,
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    'img-src': ["'self'", 'data:'],
    'connect-src': ["'self'"],
  },
})

/**
 * Lets pages of these origins call the API, with a key that they have to send themselves: no cookie goes along. Without any,
 * browsers keep the answers from all other origins.
 */
export function crossOrigin(origins: readonly string[]): RequestHandler {
  return cors({
    origin: [...origins],
    credentials: false,
    methods: [...methods],
    allowedHeaders: ['Authorization', ...keyHeaders, 'Content-Type', 'Idempotency-Key', hopsHeader],
    exposedHeaders: ['RateLimit', 'RateLimit-Policy', 'Retry-After'],
    maxAge: 600,
  })
}

const methods = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'] as const

/** Express would answer OPTIONS by itself, and name the methods of every path to whoever has no key. */
export const refuseOtherMethods: RequestHandler = ({ method }, _response, next) => {
  if (!methods.some((known) => known === method)) throw noSuchRoute()
  next()
}

export function noSuchRoute(): ApiError {
  return new ApiError('not_found', 'No such endpoint; see the API documentation at /docs.')
}
