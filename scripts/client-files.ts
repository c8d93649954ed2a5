import openapiTS, { astToString } from 'openapi-typescript'
import { z } from 'zod'

const methods = ['get', 'post', 'patch', 'delete'] as const

const reference = z.object({ $ref: z.string() })
const parameter = z.object({ name: z.string(), in: z.string() })
const schema = z.object({ properties: z.record(z.string(), z.unknown()).optional() })

/** The parts of an operation that the client needs at run time. */
const operationShape = z.object({
  operationId: z.string(),
  parameters: z.array(z.union([reference, parameter])).default([]),
  requestBody: z.object({}).optional(),
  responses: z.record(
    z.string(),
    z.looseObject({
      content: z.record(z.string(), z.object({ schema: z.union([reference, schema]) })).optional(),
    }),
  ),
})
type Operation = z.infer<typeof operationShape>

const documentShape = z.object({
  paths: z.record(z.string(), z.partialRecord(z.enum(methods), operationShape)),
  components: z.object({
    parameters: z.record(z.string(), parameter),
    schemas: z.record(z.string(), schema),
  }),
})
type Document = z.infer<typeof documentShape>

/** The generated files of packages/client by name: the types of openapi.json, and its operations as a table. */
export async function renderClientFiles(openApi: string): Promise<Record<string, string>> {
  const types = await openapiTS(openApi, { defaultNonNullable: false })
  return {
    'schema.ts': `${header}${astToString(types)}`,
    'routes.ts': `${header}${renderRoutes(documentShape.parse(JSON.parse(openApi)))}`,
  }
}

const header = '// Written by `npm run openapi`: do not edit.\n\n'

function renderRoutes(document: Document): string {
  const lines = Object.entries(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method]
      return operation
        ? [`  ${operation.operationId}: ${renderRoute(document, method, path, operation)},`]
        : []
    }),
  )
  return `export const routes = {\n${lines.join('\n')}\n} as const\n`
}

function renderRoute(document: Document, method: string, path: string, operation: Operation): string {
  const parameters = operation.parameters.map((one) =>
    '$ref' in one ? document.components.parameters[nameIn(one.$ref)] : one,
  )
  const flags = {
    body: operation.requestBody !== undefined,
    query: parameters.some((one) => one?.in === 'query'),
    keyed: parameters.some((one) => one?.name === 'Idempotency-Key'),
    paged: isPage(document, operation),
  }
  const set = Object.entries(flags).flatMap(([name, value]) => (value ? [`${name}: true`] : []))
  return `{ ${[`method: '${method.toUpperCase()}'`, `path: '${path}'`, ...set].join(', ')} }`
}

/** True for lists, with or without a cursor. The adopted contracts' lists have shapes of their own. */
function isPage({ components }: Document, { operationId, responses }: Operation): boolean {
  if (!operationId.startsWith('list')) return false
  const answer = responses[200]?.content?.['application/json']?.schema
  const resolved = answer && '$ref' in answer ? components.schemas[nameIn(answer.$ref)] : answer
  const { data, nextCursor: _nextCursor, ...others } = resolved?.properties ?? {}
  return data !== undefined && Object.keys(others).length === 0
}

function nameIn(ref: string): string {
  return ref.slice(ref.lastIndexOf('/') + 1)
}
