import { z } from 'zod'
import type { Environment } from '../domain/event.ts'
import type { FieldProblem } from '../domain/field-problem.ts'
import { httpTarget, type Egress } from './egress.ts'
import { parseUrl } from './parse-url.ts'

/** URL parsers drop or mend these, and not all in the same way: what one checks, another would not connect to. */
export const ambiguous = /[\s\p{Cc}\\]/u

/** An http(s) URL without credentials, which would appear in every log on the way. */
export const httpUrl = z
  .string()
  .max(2048)
  .refine((text) => !ambiguous.test(text), {
    message: 'must not contain spaces, control characters or backslashes',
    abort: true,
  })
  .refine(
    (text) => /^https?:\/\/[^/]/i.test(text) && parseUrl(text) !== undefined,
    'must be a URL that starts with https://',
  )
  .refine((text) => !hasCredentials(text), 'must not contain a user name or a password')

/** HTTPS only in production; nowhere that the egress guard refuses. */
export function urlProblems(
  path: string,
  text: string,
  { environment, egress }: { environment: Environment; egress: Egress },
): FieldProblem[] {
  const url = new URL(text)
  if (environment === 'production' && url.protocol !== 'https:') {
    return [{ path, message: 'must use https in production' }]
  }
  const refusal = egress.refusal(httpTarget(url), environment)
  return refusal ? [{ path, message: refusal.field }] : []
}

/** `https://@host` has empty ones, which no parser shows. */
function hasCredentials(text: string): boolean {
  const authority = /^[a-z]+:\/+([^/?#]*)/i.exec(text)?.[1] ?? ''
  return authority.includes('@')
}
