import { SignatureError } from '../errors.ts'

type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>

/** A request that has not been parsed, because the signature is over its bytes: a `Request`, or the headers and the raw body. */
export type WebhookRequest =
  Request | { headers: Headers | HeaderRecord; body: string | Uint8Array | ArrayBuffer }

export interface RawWebhook {
  /** Returns the header's value. Fails if it is missing. */
  header: (name: string) => string
  body: Uint8Array
}

export async function readRequest(request: WebhookRequest): Promise<RawWebhook> {
  const { headers } = request
  return { header: (name) => requireHeader(headers, name), body: await readBody(request) }
}

async function readBody(request: WebhookRequest): Promise<Uint8Array> {
  if ('arrayBuffer' in request) return new Uint8Array(await request.arrayBuffer())
  const { body } = request
  if (typeof body === 'string') return new TextEncoder().encode(body)
  if (body instanceof ArrayBuffer || body instanceof Uint8Array) return new Uint8Array(body)
  throw new TypeError('The body must be the raw request body, a string or bytes. Do not parse it first.')
}

function requireHeader(headers: Headers | HeaderRecord, name: string): string {
  const value = isHeaders(headers) ? headers.get(name) : findHeader(headers, name)
  if (!value) throw new SignatureError('header_missing', `The header ${name} is missing.`)
  return value
}

/** Not `instanceof`: a framework may have a `Headers` class of its own. */
function isHeaders(headers: Headers | HeaderRecord): headers is Headers {
  return typeof headers.get === 'function'
}

function findHeader(headers: HeaderRecord, name: string): string | undefined {
  const [, value] = Object.entries(headers).find(([key]) => key.toLowerCase() === name) ?? []
  return typeof value === 'object' ? value.join(',') : value
}
