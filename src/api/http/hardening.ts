import cors from 'cors'
import type { RequestHandler } from 'express'
import helmet from 'helmet'
import { ApiError } from '../errors.ts'
import { hopsHeader } from '../../domain/hops.ts'
import { keyHeaders } from '../auth/request-key.ts'

/** Content-Security-Policy directives that all pages start from. None allows `unsafe-inline`. */
const nothing = { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] }
const oneYearSeconds = 365 * 24 * 60 * 60

/**
 * Headers of every response, JSON or not: the content must not be executed, framed, sniffed, leaked in a referrer or cached. Pages
 * add their own policy. HSTS is sent only if the public URL uses HTTPS.
 */
export function secureHeaders({ publicUrl }: { publicUrl: string | undefined }): RequestHandler[] {
  const overHttps = publicUrl !== undefined && new URL(publicUrl).protocol === 'https:'
  const headers = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { ...nothing, 'base-uri': ["'none'"] } },
    // Applies to this host only. Other hosts of the domain are not ours to decide about.
    strictTransportSecurity: overHttps && { maxAge: oneYearSeconds, includeSubDomains: false },
    referrerPolicy: { policy: 'no-referrer' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginEmbedderPolicy: false,
    xFrameOptions: { action: 'deny' },
  })
  return [headers, unkept]
}

/** Responses contain personal data and secrets, so browsers and proxies must not store them. */
const unkept: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store')
  next()
}

/** The policy of the API documentation page. Its scripts and styles are files of this host; its style sheet embeds the icons. */
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
 * Lets pages of these origins call the API with a key that they send themselves, without cookies. Without any origins, browsers
 * hide the responses from pages of all other origins.
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

/** Rejects all other methods. Express would answer OPTIONS itself and list the methods of every path to callers without a key. */
export const refuseOtherMethods: RequestHandler = ({ method }, _response, next) => {
  if (!methods.some((known) => known === method)) throw noSuchRoute()
  next()
}

export function noSuchRoute(): ApiError {
  return new ApiError('not_found', 'No such endpoint; see the API documentation at /docs.')
}
