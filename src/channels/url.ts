import { z } from 'zod'
import type { Environment } from '../domain/event.ts'
import type { FieldProblem } from './channel.ts'
import type { Egress } from './egress.ts'

/** An http(s) URL without credentials: those would be seen in every log on the way. */
export const httpUrl = z
  .string()
  .max(2048)
  .refine((text) => /^https?:$/.test(parse(text)?.protocol ?? ''), 'must be a URL that starts with https://')
  .refine(
    (text) => !parse(text)?.username && !parse(text)?.password,
    'must not hold a user name or a password',
  )

/** HTTPS only in production; no address that the egress guard refuses. */
export function urlProblems(
  path: string,
  text: string,
  { environment, egress }: { environment: Environment; egress: Egress },
): FieldProblem[] {
  const url = new URL(text)
  if (environment === 'production' && url.protocol !== 'https:') {
    return [{ path, message: 'must use https in production' }]
  }
  const refusal = egress.refusal(url.hostname, environment)
  return refusal ? [{ path, message: refusal }] : []
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}
