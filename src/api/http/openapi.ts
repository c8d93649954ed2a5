import { z } from 'zod'
import { hopsHeader, maxHops } from '../../domain/hops.ts'
import { errorCodes, type ErrorCode } from '../errors.ts'
import { keyHeaders, keyParameter } from '../auth/request-key.ts'
import { idempotencyHeader } from './idempotency.ts'
import { isIdempotent } from './idempotent.ts'
import type { Route, RouteTable } from './route.ts'
import { yamlType } from './body/yaml.ts'

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})

const headerSchemes = {
  key: { type: 'http', scheme: 'bearer' },
  ...Object.fromEntries(keyHeaders.map((name) => [name, { type: 'apiKey', in: 'header', name }])),
}
const securitySchemes = {
  ...headerSchemes,
  [keyParameter]: { type: 'apiKey', in: 'query', name: keyParameter },
}

/** Named schemas. A schema has a name if it is recursive. */
type Components = Record<string, unknown>

/** The OpenAPI 3.1 document, derived from the same schemas that requests are parsed with. */
export function openApi(routes: RouteTable): object {
  const paths: Record<string, Record<string, object>> = {}
  const schemas: Components = { Problem: jsonSchema(problem, 'output', {}) }
  for (const [base, list] of Object.entries(routes)) {
    for (const route of list) {
      const path = `${base}${route.path.replace(/:(\w+)/g, '{$1}')}`
      paths[path] = { ...paths[path], [route.method]: operation(route, schemas) }
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Switchyard',
      version: '1',
      description: 'Multi-channel notification router with workflow rules.',
    },
    paths,
    components: { securitySchemes, schemas },
  }
}

function operation(route: Route, components: Components): object {
  const access =
    route.access === 'platform'
      ? 'the platform key'
      : `a tenant’s key with the scope \`${route.access.scope}\``
  return {
    summary: route.summary,
    description: `Requires ${access}.`,
    security: describeSecurity(route),
    tags: [route.path.split('/')[1]],
    parameters: [
      ...pathParameters(route.path),
      ...queryParameters(route.query, components),
      ...headerParameters(route),
    ],
    ...(route.body && {
      requestBody: {
        required: true,
        content: describeContent(route, jsonSchema(route.body, 'input', components)),
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.replies).map(([status, schema]) => [status, answer(route, schema, components)]),
      ),
      default: {
        description: 'The error as problem details (RFC 9457)',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

/** Lists the alternative schemes, each with the scope that the key needs. Source: OpenAPI 3.1, "Security Requirement Object". */
function describeSecurity({ access, queryKey }: Route): object[] {
  const needed = access === 'platform' ? [] : [access.scope]
  return Object.keys(queryKey ? securitySchemes : headerSchemes).map((name) => ({ [name]: needed }))
}

function answer(route: Route, schema: z.ZodType | null, components: Components): object {
  if (schema === null) return { description: 'Done' }
  const described = jsonSchema(schema, 'output', components)
  const content = route.method === 'get' ? describeContent(route, described) : describeContent({}, described)
  return { description: 'Done', content }
}

/** Describes a request or response body. Routes with `yaml` accept and return YAML as well. */
function describeContent({ yaml }: Pick<Route, 'yaml'>, schema: object): object {
  return { 'application/json': { schema }, ...(yaml && { [yamlType]: { schema } }) }
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function headerParameters(route: Route): object[] {
  return [
    ...(route.idempotencyKey || isIdempotent(route) ? [idempotencyParameter] : []),
    ...(route.causesWebhooks ? [hopsParameter] : []),
  ]
}

const idempotencyParameter = {
  name: idempotencyHeader,
  in: 'header',
  required: false,
  description:
    'Repeating a request with the same key and body returns the same response without creating anything twice. Keys are kept for 24 hours; for events, as long as the event.',
  schema: { type: 'string' },
}

const hopsParameter = {
  name: hopsHeader,
  in: 'header',
  required: false,
  description: `The value of this header on the webhook that caused the request, so that webhook loops end. A value over ${maxHops} is rejected with \`loop_detected\`.`,
  schema: { type: 'integer', minimum: 0, maximum: maxHops },
}

function queryParameters(query: z.ZodType | undefined, components: Components): object[] {
  if (!query) return []
  const { properties = {}, required = [] } = jsonSchema(query, 'input', components) as {
    properties?: Record<string, object>
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

/** Converts Zod to JSON Schema. Named schemas move to the components, because `$ref` is resolved against the whole document. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', components: Components): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    // Custom types have no JSON Schema. The only custom type here is "any JSON object".
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'custom') jsonSchema.type = 'object'
    },
  })
  // The input and output forms of a schema may differ, for example in their required fields, so they get different names.
  const nameOf = (id: string) => (io === 'input' ? id : `${id}Reply`)
  const { $defs = {}, ...own } = JSON.parse(JSON.stringify(rest), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string'
      ? `#/components/schemas/${nameOf(value.replace('#/$defs/', ''))}`
      : value,
  ) as { $defs?: Components }
  for (const [id, definition] of Object.entries($defs)) components[nameOf(id)] = definition
  return own
}
