import { z } from 'zod'
import type { Event, Json } from '../domain/event.ts'
import { hopsHeader, nextHops } from '../domain/hops.ts'
import { keepText } from '../domain/json/json-text.ts'
import { headersForLog } from '../domain/redaction/redaction.ts'
import { findWireFormat, wireFormatNames } from '../domain/wire-formats/index.ts'
import { standardWebhooks } from '../domain/wire-formats/standard-webhooks.ts'
import type { WireFormat, WireOptions } from '../domain/wire-formats/wire-format.ts'
import { defineChannel } from './channel.ts'
import type { FieldProblem } from '../domain/field-problem.ts'
import { classifyHttp, defaultSuccessCodes, post } from '../egress/http.ts'
import { httpUrl, urlProblems } from '../egress/url.ts'

/** Set by HTTP itself, by a wire format or by us: a tenant's headers must not override them. */
const reservedHeaders =
  /^(host|content-.*|transfer-encoding|connection|keep-alive|proxy-.*|te|trailer|upgrade|expect|date|user-agent|idempotency-key|webhook-.*|x-webhook-.*|x-smartkyc-.*|ce-.*|switchyard-.*)$/i

const headers = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'is not a valid header name')
      .refine((name) => !reservedHeaders.test(name), 'is a header that Switchyard sets itself'),
    z
      .string()
      .max(4096)
      .regex(/^[\t\x20-\x7E]*$/, 'contains characters that are not allowed in a header'),
  )
  .refine(
    (record) =>
      new Set(Object.keys(record).map((name) => name.toLowerCase())).size === Object.keys(record).length,
    'must not contain a header twice',
  )

const successCode = z
  .string()
  .regex(/^(2xx|[2-5]\d\d)$/, 'must be 2xx or a status code from 200 to 599')
  .refine((code) => !/^3\d\d$/.test(code), 'must not be a redirect, which is never followed')
  .refine((code) => code !== '410', 'must not be 410, which always disables the destination')

const config = z.strictObject({
  url: httpUrl,
  wireFormat: z.enum(wireFormatNames).default('standard-webhooks'),
  signatures: z
    .array(z.enum(['v1', 'v1a']))
    .min(1)
    .refine((versions) => new Set(versions).size === versions.length, 'must not contain duplicates')
    .optional()
    .meta({ description: 'For Standard Webhooks: v1 (HMAC-SHA256, the default), v1a (ed25519) or both.' }),
  signedContent: z
    .enum(['timestamp.body', 'body'])
    .optional()
    .meta({ description: 'For kyc-webhooks: the content that is signed; the default is timestamp.body.' }),
  headers: headers.optional(),
  successCodes: z
    .array(successCode)
    .min(1)
    .max(20)
    .refine((codes) => new Set(codes).size === codes.length, 'must not contain duplicates')
    .default(defaultSuccessCodes)
    .meta({
      description: 'The status codes that count as delivered: 2xx for all of those, or single codes.',
    }),
})
type Config = z.output<typeof config>

/** A signed HTTP POST (Standard Webhooks unless another wire format is chosen). */
export const webhook = defineChannel({
  name: 'webhook',
  config,
  secrets: ['headers'],
  origin: ({ url }) => new URL(url).origin,
  check: (given, where) => [...urlProblems('url', given.url, where), ...optionProblems(given)],

  signing(given) {
    const { signedBy, secretProblem } = wireFormatFor(given)
    return { by: signedBy, keyPair: given.signatures?.includes('v1a') ?? false, secretProblem }
  },

  forPrograms: true,
  template: {
    body: {
      kind: 'json',
      description: 'JSON that replaces the wire format’s body and is signed.',
    },
  },
  compose: ({ event, destination }, { body = standardBody(event, destination.id) }) => ({
    body: keepText(JSON.parse(body) as Json, body),
  }),

  async send({ event, destination, content, attempt, sentAt, timeoutMs }, { egress }) {
    const { config: given, keys } = destination
    const request = { event, destination, attempt, sentAt, keys, options: given }
    const message = wireFormatFor(given).render({ ...request, body: content?.body })
    const ours = {
      'User-Agent': 'Switchyard/1.0',
      // Without it, common web application firewalls refuse a request.
      ...(!hasAccept(given.headers) && { Accept: '*/*' }),
      ...message.headers,
      [hopsHeader]: nextHops(event),
      ...(event.test && { 'Switchyard-Test': 'true' }),
    }
    const answer = await post({
      url: given.url,
      headers: { ...given.headers, ...ours },
      body: message.body,
      timeoutMs,
      environment: event.environment,
      egress,
    })
    return {
      ...classifyHttp(answer, given.successCodes),
      requestHeaders: headersForLog(ours, given.headers),
    }
  },
})

function hasAccept(headers: Config['headers'] = {}): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'accept')
}

/** The default wire format's body. */
function standardBody(event: Event, id: string): string {
  const destination = { id, eventTypes: [] }
  return standardWebhooks.render({
    event,
    destination,
    attempt: 1,
    sentAt: new Date(),
    keys: { secrets: [] },
  }).body
}

/** Parsing the config has checked the name. */
function wireFormatFor({ wireFormat }: Config): WireFormat {
  const format = findWireFormat(wireFormat)
  if (!format) throw new Error(`the wire format ${wireFormat} is not in the table`)
  return format
}

function optionProblems(given: Config): FieldProblem[] {
  const options: (keyof WireOptions)[] = ['signatures', 'signedContent']
  return options
    .filter((name) => given[name] !== undefined && !wireFormatFor(given).options.includes(name))
    .map((path) => ({ path, message: `is not supported by the wire format ${given.wireFormat}` }))
}
