import { requestLine, type Call } from './every-route.ts'
import type { Answer, Sender } from '../sender.ts'
import type { Victim } from './victim.ts'

/** Somebody to whom a victim's things are none of theirs. */
export interface Trespasser {
  /** As in a failure: `another tenant’s key`. */
  who: string
  headers: Record<string, string>
  /** What their own texts begin with, and where their own messages go. */
  mark: string
  receiverUrl: string
}

/** One call that was made, and what came of it. */
export interface Attempted {
  request: string
  answer: Answer
}

/** Makes a call of the victim's as somebody else: about the victim's things, with texts of one's own. */
export async function attempt(
  sender: Sender,
  name: string,
  call: Call,
  { headers, mark, receiverUrl }: Trespasser,
  victim: Pick<Victim, 'mark' | 'receiverUrl'>,
): Promise<Attempted> {
  const { method, path: target } = requestLine(name, call)
  const body =
    call.body &&
    JSON.stringify(call.body).replaceAll(victim.mark, mark).replaceAll(victim.receiverUrl, receiverUrl)
  const answer = await sender.send({
    method,
    target,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : Buffer.from(body),
  })
  return { request: `${method} ${target} ${body ?? ''}`, answer }
}

/** What of the victim's stands in the answer and was not in the request. */
export function tracesOf(victim: Victim, ids: readonly string[], { request, answer }: Attempted): string[] {
  const told = JSON.stringify(answer.headers) + answer.text
  const marks = told.includes(victim.mark) || told.includes(victim.mark.toLowerCase()) ? [victim.mark] : []
  return [...marks, ...ids.filter((id) => told.includes(id) && !request.includes(id))]
}

/** The same call about things that never were: ids of the same length and form. */
export function aboutNothing({ params = {}, ...call }: Call): Call {
  return {
    ...call,
    params: Object.fromEntries(Object.entries(params).map(([name, id]) => [name, unlike(id)])),
  }
}

/** Another id of the same alphabet. */
export function unlike(id: string): string {
  return id.slice(0, -6) + id.slice(-6).replace(/[0-9a-z]/g, (sign) => following(sign))
}

const rings = ['0123456789', 'abcdef', 'ghjkmnpqrstvwxyz']

function following(sign: string): string {
  const ring = rings.find((signs) => signs.includes(sign)) ?? sign
  return ring[(ring.indexOf(sign) + 1) % ring.length] ?? sign
}

/** An answer without what tells one call from another: ids that were asked for, times, and what is left of a limit. */
export function comparable({ status, headers, text }: Answer, asked: readonly string[]): string {
  const { date: _date, ratelimit: _left, etag: _etag, ...kept } = headers
  const told = JSON.stringify([status, kept, text])
  return asked.reduce((left, id) => left.replaceAll(id, '…'), told)
}
