import { errorCodes } from '../../../src/api/errors.ts'
import type { Route } from '../../../src/api/http/route.ts'
import type { Answer } from '../sender.ts'

/** A stack trace, as JSON writes its line breaks, too. */
const trace = /(?:\n|\\n)\s+at \S|\.[cm]?[jt]s:\d+:\d+|node_modules|node:internal/

/** Words of what we are made of. */
const insides =
  /\/src\/|prisma|postgres|sqlstate|\bselect .+ from\b|relation "|\bpg_|grpc|temporal\.api|ECONN|UND_ERR|\[object |TypeError|RangeError|undefined is/i

/** zod's own texts: every message of a field is one of ours (field-messages.ts). */
const libraryTexts = /\btoo (?:big|small):|\binvalid (?:input|option|string|number)\b|\bunrecognized key/i

/** What is wrong with a page for people: its faults are no problem details. */
export function pageProblemsOf({ status, text }: Answer): string[] {
  const leak = trace.exec(text) ?? insides.exec(text)
  return [
    ...(status >= 500 ? [`it is ${status}`] : []),
    ...(leak ? [`it tells of our inside: ${leak[0]}`] : []),
  ]
}

/** What is wrong with an answer, whatever the request was; nothing where it is as it must be. */
export function problemsOf(answer: Answer, route?: Route): string[] {
  const problems: string[] = []
  const { status, text } = answer
  if (status >= 500 && !isPromised(answer, route)) problems.push(`it is ${status}`)
  // What is answered with success may hold whatever was sent, but no stack trace: nobody sent one.
  const leak = trace.exec(text) ?? (status >= 400 ? (insides.exec(text) ?? libraryTexts.exec(text)) : null)
  if (leak) problems.push(`it tells of our inside: ${leak[0].trim()}`)
  if (status >= 400 && !isPromised(answer, route)) problems.push(...notAProblem(answer))
  if (status < 400) problems.push(...notAsDescribed(answer, route))
  return problems
}

/** The Webhooks API answers 502 where the URL under test could not be reached. */
function isPromised({ status }: Answer, route: Route | undefined): boolean {
  return route !== undefined && status in route.replies
}

/** RFC 9457, with a code of the table. */
function notAProblem({ status, headers, text }: Answer): string[] {
  const type = String(headers['content-type'])
  if (!type.startsWith('application/problem+json')) return [`it is ${status} and of the type ${type}`]
  const problem = JSON.parse(text) as Partial<
    Record<'code' | 'title' | 'detail' | 'status' | 'type', unknown>
  >
  const known = Object.entries(errorCodes).find(([code]) => code === problem.code)
  const isWhole = typeof problem.title === 'string' && typeof problem.detail === 'string'
  if (!known || known[1].status !== status || problem.status !== status || !isWhole)
    return ['it is no problem of the table of error codes']
  return []
}

function notAsDescribed({ status, headers, text }: Answer, route: Route | undefined): string[] {
  // An ETag that fits: there is nothing to send.
  if (!route || (status === 304 && route.method === 'get')) return []
  const schema = route.replies[status]
  if (schema === undefined) return [`OpenAPI does not describe the status ${status}`]
  if (schema === null) return text === '' ? [] : ['it has a body that OpenAPI does not describe']
  if (!String(headers['content-type']).startsWith('application/json')) return []
  const parsed = schema.safeParse(JSON.parse(text))
  return parsed.success ? [] : [`it is not what OpenAPI describes: ${parsed.error.message}`]
}
