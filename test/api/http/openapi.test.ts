import { readFileSync } from 'node:fs'
import supertest from 'supertest'
import { expect, it } from 'vitest'
import { routes } from '../../../src/api/app.ts'
import { errorCodes } from '../../../src/api/errors.ts'
import { channelNames } from '../../../src/channels/index.ts'
import { stackOfFile } from '../../support/stack.ts'

const stack = stackOfFile({ workers: false })

interface Document {
  openapi: string
  paths: Record<string, Record<string, { requestBody?: unknown; security?: unknown }>>
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
  const create = JSON.stringify(document.paths['/api/v1/destinations']?.post?.requestBody)
  for (const name of channelNames) expect(create).toContain(`"const":"${name}"`)
})

it('every operation names the scope that its key must have, and a key in the URL only where one is taken', async () => {
  const { body } = await supertest(stack.app).get('/openapi.json').expect(200)
  const { paths, components } = body as Document & { components: { securitySchemes: object } }
  const schemes = Object.keys(components.securitySchemes)
  expect(schemes).toEqual(['key', 'X-API-Key', 'ds-api-token', 'api_key'])
  for (const [base, list] of Object.entries(routes)) {
    for (const { method, path, access, queryKey } of list) {
      const needed = access === 'platform' ? [] : [access.scope]
      const taken = schemes.filter((name) => name !== 'api_key' || queryKey)
      const { security } = paths[`${base}${path.replace(/:(\w+)/g, '{$1}')}`]?.[method] ?? {}
      expect(security, `${method} ${base}${path}`).toEqual(taken.map((name) => ({ [name]: needed })))
    }
  }
})

it('what holds itself has a name, and every reference leads to one', async () => {
  const { body } = await supertest(stack.app).get('/openapi.json').expect(200)
  const { schemas } = (body as { components: { schemas: Record<string, unknown> } }).components
  const references = [...JSON.stringify(body).matchAll(/"\$ref":"(.+?)"/g)].map(([, reference]) => reference)
  expect(references).toContain('#/components/schemas/RuleStep')
  const names = Object.keys(schemas).map((name) => `#/components/schemas/${name}`)
  expect(names).toEqual(expect.arrayContaining(references))
  expect(references.filter((reference) => reference?.includes('__'))).toEqual([])
})

it('/docs is a page that needs nothing from elsewhere', async () => {
  const page = await supertest(stack.app).get('/docs/').expect(200)
  expect(page.text).toContain('swagger-ui')
  expect(page.text).not.toMatch(/(src|href)="https?:/)
  const script = await supertest(stack.app).get('/docs/swagger-initializer.js').expect(200)
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
