import { readFileSync } from 'node:fs'
import supertest from 'supertest'
import { expect, it } from 'vitest'
import { routes } from '../../../src/api/app.ts'
import { openApi } from '../../../src/api/openapi/document.ts'
import { errorCodes } from '../../../src/api/errors.ts'
import { channelNames } from '../../../src/channels/index.ts'
import { sharedStack } from '../../support/shared-stack.ts'

const stack = sharedStack({ workers: false })

interface Document {
  openapi: string
  paths: Record<string, Record<string, { operationId: string; security?: unknown }>>
  components: { schemas: Record<string, object>; securitySchemes: object }
}

it('/openapi.json describes every route, with each channel’s own config', async () => {
  const { body } = await supertest(stack.app).get('/openapi.json').expect(200)
  const document = body as Document
  expect(document.openapi).toBe('3.1.0')
  for (const [base, list] of Object.entries(routes)) {
    for (const { method, path } of list) {
      const documented = document.paths[`${base}${path.replace(/:(\w+)/g, '{$1}')}`]?.[method]
      expect(documented, `${method} ${base}${path}`).toBeDefined()
    }
  }
  const kinds = Object.values(document.components.schemas).flatMap((schema) => {
    const { properties } = schema as { properties?: { channel?: { enum?: string[] } } }
    return properties?.channel?.enum ?? []
  })
  expect(kinds).toEqual(expect.arrayContaining(channelNames))
})

it('/openapi.json is the openapi.json of the repository; `npm run openapi` writes it', () => {
  const file = readFileSync(new URL('../../../openapi.json', import.meta.url), 'utf8')
  expect(JSON.parse(file)).toEqual(JSON.parse(JSON.stringify(openApi(routes))))
})

it('every operation has its own id, and generated clients its name', async () => {
  const { body } = await supertest(stack.app).get('/openapi.json').expect(200)
  const { paths, webhooks } = body as Document & { webhooks: Document['paths'] }
  const ids = [...Object.values(paths), ...Object.values(webhooks)].flatMap((item) =>
    Object.values(item).map(({ operationId }) => operationId),
  )
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.filter((id) => !/^[a-z]+([A-Z][a-z]+)+$/.test(id))).toEqual([])
})

it('every operation names the scope that its key must have, and a key in the URL only where one is taken', async () => {
  const { body } = await supertest(stack.app).get('/openapi.json').expect(200)
  const { paths, components } = body as Document
  const schemes = Object.keys(components.securitySchemes)
  expect(schemes).toEqual(['tenantKey', 'platformKey', 'X-API-Key', 'ds-api-token', 'api_key'])
  for (const [base, list] of Object.entries(routes)) {
    for (const { method, path, access, queryKey } of list) {
      const needed = access === 'platform' ? [] : [access.scope]
      const foreign = access === 'platform' ? 'tenantKey' : 'platformKey'
      const taken = schemes.filter((name) => name !== foreign && (name !== 'api_key' || queryKey))
      const { security } = paths[`${base}${path.replace(/:(\w+)/g, '{$1}')}`]?.[method] ?? {}
      expect(security, `${method} ${base}${path}`).toEqual(taken.map((name) => ({ [name]: needed })))
    }
  }
})

it('what holds itself has a name, and every reference leads to one', async () => {
  const { body } = await supertest(stack.app).get('/openapi.json').expect(200)
  const { components } = body as { components: Record<string, object> }
  const references = [...JSON.stringify(body).matchAll(/"\$ref":"(.+?)"/g)].map(([, reference]) => reference)
  expect(references).toContain('#/components/schemas/RuleStep')
  const names = ['schemas', 'responses', 'parameters'].flatMap((kind) =>
    Object.keys(components[kind] ?? {}).map((name) => `#/components/${kind}/${name}`),
  )
  expect(names).toEqual(expect.arrayContaining(references))
  expect(references.filter((reference) => reference?.includes('__'))).toEqual([])
})

it('/docs is a page that needs nothing from elsewhere', async () => {
  const page = await supertest(stack.app).get('/docs/').expect(200)
  expect(page.text).toContain('<title>Switchyard API</title>')
  expect(page.text).not.toMatch(/(src|href)="https?:/)
  const script = await supertest(stack.app).get('/docs/page.js').expect(200)
  expect(script.text).toContain("url: '/openapi.json'")
})

it('/healthz says that the process is alive, and /readyz that it can do its work', async () => {
  expect((await supertest(stack.app).get('/healthz').expect(200)).body).toEqual({ status: 'ok' })
  expect((await supertest(stack.app).get('/readyz').expect(200)).body).toMatchObject({ status: 'ready' })
})

it('the documented table of error codes is the one in the code', () => {
  const page = readFileSync(new URL('../../../docs/reference/errors.md', import.meta.url), 'utf8')
  const documented = [...page.matchAll(/^\| `(\w+)` *\| (\d{3}) *\|/gm)].map(([, code, status]) => [
    code,
    Number(status),
  ])
  expect(documented).toEqual(Object.entries(errorCodes).map(([code, { status }]) => [code, status]))
})
