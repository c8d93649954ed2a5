import type { WireRequest } from '../sender.ts'
import type { Victim } from './victim.ts'

/** What is mounted outside of the table of routes: why it asks for no API key, and how somebody without the right token calls it. */
export interface KeylessRoute {
  why: string
  /** `foreign` are tokens of a form that some page takes, none of which is good for this page. */
  requests: (victim: Victim, foreign: readonly string[]) => WireRequest[]
  /** Whether an answer to such a call may have this status. */
  answers: (status: number) => boolean
}

const call = (method: string, target: string, body?: string): WireRequest => ({
  method,
  target,
  headers: body === undefined ? {} : { 'content-type': body.startsWith('{') ? 'application/json' : form },
  body: body === undefined ? undefined : Buffer.from(body),
})
const form = 'application/x-www-form-urlencoded'

/** The same for everybody: there is nothing of a tenant in it. */
const forAll = (why: string, ...targets: string[]): KeylessRoute => ({
  why,
  requests: () => targets.map((target) => call('GET', target)),
  answers: (status) => status === 200 || status === 301,
})

/** A page behind links that are signed. */
const linked = (method: string, path: string, body?: string): KeylessRoute => ({
  why: 'whoever follows a link in a message has no key: the link itself is signed',
  requests: ({ tenantId }, foreign) =>
    ['', '/', `/${tenantId}`, ...foreign.map((token) => `/${token}`)].map((rest) =>
      call(method, path + rest, body),
    ),
  answers: (status) => status === 404 || status === 429,
})

/** Of the codec server: for the platform alone, by its key or by a session that was opened with it. */
const decoding = (path: string): KeylessRoute => ({
  why: 'it takes a session’s cookie as well as the platform key, and asks for it itself',
  requests: ({ key }) => {
    const payloads = '{"payloads":[{"metadata":{"encoding":"YmluYXJ5L2VuY3J5cHRlZA=="},"data":"AAAA"}]}'
    const request = call('POST', path, payloads)
    const withKey = { ...request.headers, authorization: `Bearer ${key}` }
    const withCookie = { ...request.headers, cookie: `codec=${key}`, origin: 'https://switchyard.test' }
    return [request, { ...request, headers: withKey }, { ...request, headers: withCookie }]
  },
  answers: (status) => status === 401 || status === 403 || status === 429,
})

const session = (path: string, refused: number[]): KeylessRoute => ({
  why: 'a form in a browser has no headers: it is asked for the platform key itself',
  requests: ({ key }) => {
    const request = call('POST', path, `key=${key}`)
    return [request, { ...request, headers: { ...request.headers, origin: 'https://switchyard.test' } }]
  },
  answers: (status) => refused.includes(status),
})

const cors: KeylessRoute = {
  why: 'it adds headers for Temporal’s UI and answers nothing but a browser’s question before the call',
  requests: () => [{ ...call('OPTIONS', '/codec/decode'), headers: { origin: 'https://elsewhere.example' } }],
  answers: (status) => status === 204 || status >= 400,
}

export const keyless: Readonly<Record<string, KeylessRoute>> = {
  'GET /healthz': forAll('load balancers ask it', '/healthz'),
  'GET /readyz': forAll('load balancers ask it', '/readyz'),
  'GET /openapi.json': forAll('it describes the API to everybody', '/openapi.json'),
  'GET /^\\/docs\\/(.*)/': forAll(
    'one of the documentation’s files',
    '/docs/page.js',
    '/docs/swagger-ui.css',
  ),
  'USE /docs': forAll('the documentation’s files', '/docs', '/docs/'),
  'GET /acknowledge{/*token}': linked('GET', '/acknowledge'),
  'POST /acknowledge{/*token}': linked('POST', '/acknowledge', 'acknowledge=yes'),
  'USE /acknowledge': linked('GET', '/acknowledge'),
  'GET /email/confirm{/*token}': linked('GET', '/email/confirm'),
  'POST /email/confirm{/*token}': linked('POST', '/email/confirm', 'confirm=yes'),
  'USE /email/confirm': linked('GET', '/email/confirm'),
  'GET /email/unsubscribe{/*token}': linked('GET', '/email/unsubscribe'),
  'POST /email/unsubscribe{/*token}': linked('POST', '/email/unsubscribe', 'List-Unsubscribe=One-Click'),
  'USE /email/unsubscribe': linked('GET', '/email/unsubscribe'),
  'USE /codec/encode': cors,
  'USE /codec/decode': cors,
  'POST /codec/encode': decoding('/codec/encode'),
  'POST /codec/decode': decoding('/codec/decode'),
  'GET /codec/': forAll('the form that opens a session', '/codec/'),
  'POST /codec/session': session('/codec/session', [401, 403, 429]),
  'POST /codec/session/end': session('/codec/session/end', [303, 403]),
}
