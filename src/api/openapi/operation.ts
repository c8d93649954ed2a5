import { keyHeaders, keyParameter } from '../auth/request-key.ts'
import { yamlType } from '../http/body/yaml.ts'
import { isIdempotent } from '../http/idempotent.ts'
import type { Route } from '../http/route.ts'
import { hopsHeader, maxHops } from '../../domain/hops.ts'
import { idempotencyHeader } from '../http/idempotency.ts'
import { exampleOf, exampleOfParameter } from './examples/compose.ts'
import { describeErrors } from './problems.ts'
import type { JsonSchema, SchemaConverter } from './schemas.ts'
import { findTag } from './tags.ts'

export function describeOperation(route: Route, { convert, components }: SchemaConverter): object {
  const { path, access, operationId, summary, query, replies } = route
  const body = route.describedBody ?? route.body
  const needed =
    access === 'platform' ? 'the platform key' : `a tenant’s key with the scope \`${access.scope}\``
  return {
    operationId,
    summary,
    description: `Requires ${needed}.`,
    tags: [findTag(path)],
    security: describeSecurity(route),
    parameters: [
      ...describePath(path),
      ...(query ? describeQuery(convert(query, 'input')) : []),
      ...describeHeaders(route),
    ],
    ...(body && {
      requestBody: {
        // Without a body, the schema is applied to `{}`.
        required: !body.safeParse({}).success,
        content: describeContent(convert(body, 'input'), components, route.yaml),
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(replies).map(([status, schema]) => [
          status,
          {
            description: statusTexts[status] ?? 'Done',
            ...(schema && {
              content: describeContent(
                convert(schema, 'output'),
                components,
                route.method === 'get' ? route.yaml : undefined,
              ),
            }),
          },
        ]),
      ),
      ...describeErrors(route),
    },
  }
}

const keyFormats = {
  tenant: 'A tenant’s key, `sk_test_…` or `sk_live_…`.',
  platform: 'The platform key, `sk_platform_…`.',
}
const alternatives = {
  ...Object.fromEntries(
    keyHeaders.map((name) => [
      name,
      { type: 'apiKey', in: 'header', name, description: 'An alternative to `Authorization`.' },
    ]),
  ),
  [keyParameter]: {
    type: 'apiKey',
    in: 'query',
    name: keyParameter,
    description: 'Only for clients of adopted contracts: proxies and servers log URLs.',
  },
}
export const securitySchemes = {
  tenantKey: { type: 'http', scheme: 'bearer', description: keyFormats.tenant },
  platformKey: { type: 'http', scheme: 'bearer', description: keyFormats.platform },
  ...alternatives,
}

/** Lists the alternative schemes, each with the scope that the key needs. Source: OpenAPI 3.1, "Security Requirement Object". */
function describeSecurity({ access, queryKey }: Route): object[] {
  const needed = access === 'platform' ? [] : [access.scope]
  const bearer = access === 'platform' ? 'platformKey' : 'tenantKey'
  return [bearer, ...keyHeaders, ...(queryKey ? [keyParameter] : [])].map((name) => ({ [name]: needed }))
}

const statusTexts: Partial<Record<string, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'Done; the response has no body',
  207: 'The result of each item',
  502: 'The receiver did not accept the test',
}

/** Describes a request or response body. Routes with `yaml` accept and return YAML as well. */
function describeContent(schema: JsonSchema, components: SchemaConverter['components'], yaml?: true): object {
  const media = { schema, example: exampleOf(schema, components) }
  return { 'application/json': media, ...(yaml && { [yamlType]: media }) }
}

function describePath(path: string): object[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
    example: exampleOfParameter(path, name),
  }))
}

/** The schema of a query is an object without a name. */
function describeQuery(query: JsonSchema): object[] {
  const { properties = {}, required = [] } = query as {
    properties?: Record<string, JsonSchema>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    ...(description !== undefined && { description }),
    required: required.includes(name),
    schema,
  }))
}

function describeHeaders(route: Route): object[] {
  return [
    ...(route.idempotencyKey || isIdempotent(route) ? ['IdempotencyKey'] : []),
    ...(route.causesWebhooks ? ['Hops'] : []),
  ].map((name) => ({ $ref: `#/components/parameters/${name}` }))
}

/** Named parameters. They are optional and have no examples, because the page would send those with every request. */
export const parameters = {
  IdempotencyKey: {
    name: idempotencyHeader,
    in: 'header',
    required: false,
    description:
      'Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
  Hops: {
    name: hopsHeader,
    in: 'header',
    required: false,
    description: `The value of this header on the webhook that caused the request, so that webhook loops end. A value over ${maxHops} is rejected with \`loop_detected\`.`,
    schema: { type: 'integer', minimum: 0, maximum: maxHops },
  },
}
