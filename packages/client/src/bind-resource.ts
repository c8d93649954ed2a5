import { routes } from './generated/routes.ts'
import type { HopsOptions, KeyOptions, Method, OperationId } from './operation-types.ts'
import { Pages, type Page } from './pages.ts'
import type { RequestOptions, Transport } from './transport.ts'

type Resource<Methods extends Record<string, OperationId>> = {
  readonly [Name in keyof Methods]: Method<Methods[Name]>
}

/** Makes the methods of one resource. */
export function bindResource<Methods extends Record<string, OperationId>>(send: Transport, methods: Methods) {
  const bound = Object.entries(methods).map(([name, id]) => [name, bindMethod(send, routes[id])])
  // The types of arguments and results exist in openapi.json only, so they are claimed here, in one place.
  return Object.fromEntries(bound) as Resource<Methods>
}

interface Route {
  method: string
  path: string
  body?: true
  query?: true
  keyed?: true
  paged?: true
}

type Query = Record<string, string | number | boolean | null | undefined>

function bindMethod(send: Transport, route: Route) {
  return (...args: unknown[]) => {
    const rest = [...args]
    const path = route.path.replace(/\{\w+\}/g, () => encodeSegment(rest.shift()))
    const body = route.body && rest.shift()
    const query = (route.query ? rest.shift() : undefined) as Query | undefined
    const options = (rest.shift() ?? {}) as RequestOptions & KeyOptions & HopsOptions
    const request = {
      method: route.method,
      headers: makeHeaders(route, options),
      body,
      isRepeatable: route.method !== 'POST' || route.keyed === true,
    }
    const call = (more: Query = {}) =>
      send({ ...request, path: path + renderQuery({ ...query, ...more }) }, options)
    return route.paged
      ? new Pages((cursor) => call({ ...(cursor && { cursor }) }) as Promise<Page<unknown>>)
      : call()
  }
}

/** The key is made once for a call, so that a retry cannot create anything twice. */
function makeHeaders({ keyed }: Route, { idempotencyKey, hops }: KeyOptions & HopsOptions) {
  return {
    ...(keyed && { 'idempotency-key': idempotencyKey ?? randomKey() }),
    ...(hops !== undefined && { 'switchyard-hops': String(hops) }),
  }
}

/** 128 random bits in hex. `crypto.randomUUID` is missing from pages that are not served by HTTPS. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** An empty id would call another route, and so would `.` and `..`, which URLs resolve. */
function encodeSegment(id: unknown): string {
  if (typeof id !== 'string' || /^\.{0,2}$/.test(id)) throw new TypeError('An id must be a non-empty string.')
  return encodeURIComponent(id)
}

function renderQuery(query: Query): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== null)
  const text = new URLSearchParams(
    Object.fromEntries(set.map(([name, value]) => [name, String(value)])),
  ).toString()
  return text && `?${text}`
}
