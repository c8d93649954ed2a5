import { z } from 'zod'
import { switchyard } from '../../domain/catalogue/switchyard.ts'
import { inferSchema } from '../../domain/catalogue/sample-schema.ts'
import type { JsonObject } from '../../domain/event.ts'
import { hopsHeader } from '../../domain/hops.ts'
import { wireFormats } from '../../domain/wire-formats/index.ts'
import { exampleEvent, exampleIds, exampleSecret, exampleTime } from './examples/things.ts'
import type { JsonSchema, SchemaConverter } from './schemas.ts'

const data = z.record(z.string(), z.unknown()).meta({ description: 'The bytes that were posted.' })
const time = z.string().meta({ description: 'When the event was accepted.' })

/** The body of each wire format. They have no names: oapi-codegen drops named schemas that no operation uses. */
const bodies: Record<string, z.ZodType> = {
  'standard-webhooks': z.object({ type: z.string(), timestamp: time, data }),
  cloudevents: z.object({
    specversion: z.literal('1.0'),
    id: z.string(),
    source: z.string().meta({ description: '`urn:switchyard:<tenant>:<environment>`' }),
    type: z.string(),
    time,
    datacontenttype: z.literal('application/json'),
    data,
  }),
  dataspike: z.object({
    id: z.string(),
    webhook_id: z.string(),
    event_type: z.string(),
    timestamp: time,
    payload: data,
  }),
  'kyc-webhooks': z.object({
    id: z.string(),
    type: z.string(),
    created: z.int().meta({ description: 'When the event was accepted, in seconds since 1970.' }),
    data,
  }),
  'smart-kyc': z.object({ event: z.string(), timestamp: time, data, tenantId: z.string() }),
}

/**
 * Describes the requests that receivers get: one webhook for each wire format, and one for each operational event in the default
 * format. The examples are rendered by the wire formats themselves.
 */
export function describeWebhooks({ convert }: SchemaConverter): object {
  const byFormat = wireFormats.map(({ name }) => {
    const body = bodies[name]
    if (!body) throw new Error(`src/api/openapi/webhooks.ts does not describe the wire format ${name}.`)
    return [name, describe(name, convert(body, 'output'), exampleEvent)] as const
  })
  const operational = switchyard.groups
    .flatMap(({ types }) => types)
    // Confirmation requests are mails to one recipient. No webhook gets them.
    .filter(({ type }) => type !== 'email.confirmation')
    .map(({ type, description, sample }) => {
      const event = { ...exampleEvent, id: exampleIds.event, type, data: sample }
      const webhook = describe('standard-webhooks', operationalSchema(type, sample), event)
      return [type, { post: { ...webhook.post, operationId: toId(type), summary: description } }] as const
    })
  return Object.fromEntries([...byFormat, ...operational])
}

function describe(formatName: string, schema: JsonSchema, event: typeof exampleEvent) {
  const format = wireFormats.find(({ name }) => name === formatName) ?? wireFormats[0]
  const message = format?.render({
    event,
    destination: { id: exampleIds.destination, eventTypes: [event.type] },
    attempt: 1,
    sentAt: new Date(exampleTime),
    keys: { secrets: [exampleSecret] },
  })
  const { 'content-type': type, 'Content-Type': legacyType, ...headers } = message?.headers ?? {}
  const contentType = (type ?? legacyType ?? '').replace(/;.*/, '')
  return {
    post: {
      operationId: toId(formatName),
      summary: `An event in the wire format ${formatName}`,
      description: `Signed with the ${format?.signedBy === 'tenant' ? 'tenant’s API secret' : 'destination’s secret'}; the example with \`${exampleSecret}\`.`,
      tags: ['Webhooks'],
      security: [],
      parameters: [
        ...Object.entries({ ...headers, [hopsHeader]: '1' }).map(([name, example]) => ({
          name,
          in: 'header',
          required: true,
          schema: { type: 'string' },
          example,
        })),
        {
          name: 'Switchyard-Test',
          in: 'header',
          required: false,
          description: 'Only on test events.',
          schema: { type: 'string', enum: ['true'] },
        },
      ],
      requestBody: {
        required: true,
        content: { [contentType]: { schema, example: JSON.parse(message?.body ?? '{}') as JsonObject } },
      },
      responses: {
        '2XX': { description: 'Delivered. Anything else is retried or, for some codes, refused for good.' },
        410: { description: 'The receiver is gone: the destination is disabled.' },
      },
    },
  }
}

function operationalSchema(type: string, sample: JsonObject): JsonSchema {
  return {
    type: 'object',
    properties: {
      type: { type: 'string', enum: [type] },
      timestamp: { type: 'string' },
      data: { ...withItems(inferSchema(sample)), additionalProperties: {} },
    },
    required: ['type', 'timestamp', 'data'],
  }
}

/** OpenAPI requires `items` where JSON Schema does not. */
function withItems(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) => {
    const isArray = (value as JsonSchema | null)?.type === 'array'
    return isArray ? { items: {}, ...(value as object) } : value
  }) as JsonSchema
}

/** Turns `destination.disabled` into `onDestinationDisabled`. */
function toId(name: string): string {
  return ['on', ...name.split(/[.-]/)].reduce((id, word) => id + word.charAt(0).toUpperCase() + word.slice(1))
}
