import { z } from 'zod'
import { makeWebhookSecret } from '../domain/wire-formats/standard-webhooks.ts'
import { wireFormatNames, wireFormats } from '../domain/wire-formats/index.ts'
import { defineChannel } from './channel.ts'
import { classifyHttp, post } from './http.ts'
import { httpUrl, urlProblems } from './url.ts'

/** Set by HTTP itself or by the wire format: a tenant's header must not stand in for them. */
const reservedHeaders =
  /^(host|content-length|content-type|transfer-encoding|connection|keep-alive|proxy-.*|te|trailer|upgrade|expect|date|user-agent|webhook-.*)$/i

const headers = z.record(
  z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'is not a valid header name')
    .refine((name) => !reservedHeaders.test(name), 'is set by Switchyard itself'),
  z
    .string()
    .max(4096)
    .regex(/^[\t\x20-\x7E]*$/, 'holds characters that a header cannot carry'),
)

/** A signed HTTP POST (Standard Webhooks unless another wire format is chosen). */
export const webhook = defineChannel({
  name: 'webhook',
  config: z.strictObject({
    url: httpUrl,
    wireFormat: z.enum(wireFormatNames).default('standard-webhooks'),
    headers: headers.optional(),
  }),
  secrets: ['headers'],
  issueSecret: makeWebhookSecret,
  check: ({ url }, where) => urlProblems('url', url, where),

  async send({ event, destination, sentAt, timeoutMs }, { egress }) {
    const { url, wireFormat, headers } = destination.config
    const format = wireFormats[wireFormat]
    if (!format) return { kind: 'rejected', error: `unknown wire format ${wireFormat}` }
    const secret = destination.secret ?? ''
    const message = format.render({ event, destinationId: destination.id, sentAt, secret })
    return classifyHttp(
      await post({
        url,
        headers: { 'user-agent': 'Switchyard/1.0', ...headers, ...message.headers },
        body: message.body,
        timeoutMs,
        environment: event.environment,
        egress,
      }),
    )
  },
})
