import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { routes } from '../../../src/api/app.ts'
import { openApi } from '../../../src/api/openapi/document.ts'

interface Answered {
  method: string
  /** With or without its query. */
  path: string
  status: number
  type: string | undefined
  body: unknown
}

interface Operation {
  operationId: string
  requestBody?: { content: Content }
  responses: Record<string, { $ref?: string; content?: Content }>
}
type Content = Record<
  string,
  { schema: object; example?: unknown; examples?: Record<string, { value: unknown }> }
>

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { responses: Record<string, { content: Content }> }
}

/** The document as it is served, but no object of a response may have a field that it does not describe. */
export const document = JSON.parse(JSON.stringify(openApi(routes))) as Document
const strict = JSON.parse(JSON.stringify(document), (_key, value: unknown) => {
  const isOpen = typeof value === 'object' && value !== null && 'properties' in value && 'type' in value
  return isOpen ? { additionalProperties: false, ...value } : value
}) as Document

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
ajv.addSchema({ $id: 'openapi', ...strict }, 'openapi')

/** Literal segments win over parameters, as in the router. */
const templates = Object.keys(document.paths)
  .map((template) => ({ template, pattern: new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`) }))
  .sort((one, other) => one.template.split('{').length - other.template.split('{').length)

export function findOperation(
  method: string,
  path: string,
): { template: string; operation: Operation } | undefined {
  const [bare = ''] = path.split('?')
  const template = templates.find(
    (one) => one.pattern.test(bare) && document.paths[one.template]?.[method.toLowerCase()],
  )?.template
  const operation = document.paths[template ?? '']?.[method.toLowerCase()]
  return template !== undefined && operation ? { template, operation } : undefined
}

/** Returns how a response differs from the document. Routes outside of it, such as pages, are not checked. */
export function differences({ method, path, status, type, body }: Answered): string[] {
  const found = findOperation(method, path)
  if (!found) return []
  const { template, operation } = found
  const where = `${method.toUpperCase()} ${template} ${status}`
  const response = operation.responses[status]
  if (!response) return [`${where}: the status is not documented`]
  const name = response.$ref?.split('/').at(-1)
  const content = name === undefined ? response.content : document.components.responses[name]?.content
  const [mediaType = ''] = (type ?? '').split(';')
  if (!content) return body === undefined || mediaType === '' ? [] : [`${where}: has a body`]
  const media = content[mediaType]
  if (!media) return [`${where}: ${mediaType || 'no type'} is not documented`]
  if (!mediaType.endsWith('json')) return []
  return problemsOf(media.schema, body).map((problem) => `${where}: ${problem}`)
}

const validators = new Map<string, ValidateFunction>()

/** Returns how a value differs from a schema of the document. */
export function problemsOf(schema: object, value: unknown): string[] {
  const text = JSON.stringify(schema).replaceAll('"#/', '"openapi#/')
  const validate = validators.get(text) ?? ajv.compile(JSON.parse(text) as object)
  validators.set(text, validate)
  if (validate(value)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath || '(body)'} ${message} ${JSON.stringify(params)}`,
  )
}
