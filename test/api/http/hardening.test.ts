import { gzipSync } from 'node:zlib'
import supertest, { type Response } from 'supertest'
import { describe, expect, it } from 'vitest'
import { shapeLimits } from '../../../src/api/http/body/shape.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { adminKey, makeTenant } from '../../support/stack.ts'

const stack = sharedStack({ workers: false })
const event = { type: 'aml.match.found', data: { n: 1 } }

/** Posts bytes as they are. */
async function postRaw(path: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const { key } = await makeTenant(stack)
  const request = supertest(stack.app).post(`/api/v1${path}`).auth(key, { type: 'bearer' })
  for (const [name, value] of Object.entries({ 'Content-Type': 'application/json', ...headers }))
    void request.set(name, value)
  void request.serialize((sent: unknown) => sent as string)
  return request.send(body)
}

/** The problem's code and the paths of its fields. */
function problemOf({ status, body }: Response) {
  const { code, errors = [] } = body as { code: string; errors?: { path: string }[] }
  return [status, code, ...errors.map(({ path }) => path)]
}

describe('every answer', () => {
  it.each(['/healthz', '/openapi.json', '/api/v1/destinations', '/api/v1/nothing', '/nothing'])(
    'of %s forbids to run, to frame, to guess at and to keep it',
    async (path) => {
      const { headers } = await supertest(stack.app).get(path)
      expect(headers).toMatchObject({
        'content-security-policy': "default-src 'none';frame-ancestors 'none';base-uri 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      })
      expect(headers).not.toHaveProperty('x-powered-by')
      expect(headers).not.toHaveProperty('access-control-allow-origin')
    },
  )

  it('tells browsers to stay with HTTPS where people reach it by HTTPS, and not otherwise', async () => {
    const hstsAt = async (publicUrl: string | undefined) =>
      (await supertest(stack.anotherApp({ publicUrl })).get('/healthz')).get('strict-transport-security')
    expect(await hstsAt('https://switchyard.example/below')).toBe('max-age=31536000')
    expect(await hstsAt('http://127.0.0.1:3000')).toBeUndefined()
    expect(await hstsAt(undefined)).toBeUndefined()
  })

  it('of the page that describes the API allows scripts and styles of its own host alone', async () => {
    const { headers, text } = await supertest(stack.app).get('/docs/').expect(200)
    const policy = headers['content-security-policy'] as string
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self';style-src 'self'")
    expect(policy).not.toContain('unsafe')
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:\/\//)
    const files = [...text.matchAll(/(?:src|href)="(?!data:)([^"]+)"/g)].map(([, name]) => name)
    expect(files).toContain('swagger-ui-bundle.js')
    for (const file of files) await supertest(stack.app).get(`/docs/${file}`).expect(200)
    for (const file of ['package.json', 'swagger-ui-bundle.js.map', 'absolute-path.js'])
      await supertest(stack.app).get(`/docs/${file}`).expect(404)
  })
})

describe('a body', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  const listOf = (count: number) => `[${'0,'.repeat(count - 1)}0]`
  const data = (json: string) => `{"type":"a.b","data":${json}}`

  it.each<[what: string, body: string | Buffer, status: number, path: string, headers?: Record<string, string>]>([
    ['a name that stands twice', data('{"a":[{"b":1},{"c":1,"c":1}]}'), 422, 'data.a.1.c'],
    ['a name that stands twice, once escaped', data('{"risk":1,"\\u0072isk":2}'), 422, 'data.risk'],
    ['a second type', '{"type":"a.b","data":{},"type":"c.d"}', 422, 'type'],
    ['__proto__', data('{"a":{"__proto__":{"admin":true}}}'), 422, 'data.a.__proto__'],
    ['__proto__, escaped', data('{"\\u005f_proto__":1}'), 422, 'data.__proto__'],
    ['constructor.prototype', data('{"constructor":{"prototype":{}}}'), 422, 'data.constructor.prototype'],
    ['lists that are nested too deeply', data(`{"a":${nested(500)}}`), 422, 'data.a.0'],
    ['lists without end', data(`{"a":${nested(100_000)}}`), 422, '(body)'],
    ['too many names', data(JSON.stringify(Object.fromEntries(Array.from({ length: shapeLimits.names + 1 }, (_, n) => [`n${n}`, 0])))), 422, 'data'],
    ['too many items', data(`{"a":${listOf(shapeLimits.items + 1)}}`), 422, 'data.a'],
    ['a key that is repeated behind a byte order mark', `\uFEFF${data('{"n":1,"n":2}')}`, 422, 'data.n'],
    ['Latin-1', Buffer.from(data('{"name":"Zoë"}'), 'latin1'), 400, '(body)'],
    ['UTF-16', Buffer.from(data('{"a":1}'), 'utf16le'), 400, '(body)', { 'Content-Type': 'application/json; charset=utf-16' }],
    ['an unknown compression', data('{}'), 400, '(body)', { 'Content-Encoding': 'zstd' }],
    ['a compression that it has not', data('{}'), 400, '(body)', { 'Content-Encoding': 'gzip' }],
  ])('with %s is refused, and the answer names where', async (_what, body, status, path, headers) => {
    const answer = await postRaw('/events', body, headers)
    expect(problemOf(answer)).toEqual([status, status === 422 ? 'invalid_request' : 'invalid_json', path])
  }) // prettier-ignore

  it.each([
    [
      'names that only look like those',
      '{"proto":1,"prototype":{"constructor":1},"constructor":"ACME Ltd","toString":2}',
    ],
    ['the same name in different objects', '{"a":{"n":1},"b":[{"n":1},{"n":2}],"n":"\\"n\\":{},"}'],
    ['64 levels', `{"a":${nested(63)}}`],
    ['many items', `{"a":${listOf(100_000)}}`],
    ['any text in UTF-8', '{"name":"Zoë \\u2028 \u2028 𝕏 \\ud83d\\ude00"}'],
  ])('with %s is taken', async (_what, json) => {
    expect((await postRaw('/events', data(json))).status).toBe(202)
  })

  it.each(['gzip', 'identity'])('is bounded by what it is when it is unpacked (%s)', async (encoding) => {
    const large = JSON.stringify({ ...event, data: { text: ' '.repeat(50 * 1024 * 1024) } })
    const bomb = gzipSync(large)
    expect(bomb.length).toBeLessThan(256 * 1024)
    const sent = encoding === 'gzip' ? bomb : Buffer.alloc(257 * 1024, ' ')
    const answer = await postRaw('/events', sent, { 'Content-Encoding': encoding })
    expect(problemOf(answer)).toEqual([413, 'payload_too_large', '(body)'])
    const small = gzipSync(JSON.stringify(event))
    expect((await postRaw('/events', small, { 'Content-Encoding': 'gzip' })).status).toBe(202)
  })

  it.each([
    ['millions of arrays inside of each other', '['.repeat(4_100_000)],
    ['millions of arrays side by side', `{"events":[${'[],'.repeat(2_700_000)}[]]}`],
  ])('of a few kilobytes that unpack to %s is refused before it is parsed', async (_what, json) => {
    const bomb = gzipSync(json)
    expect(bomb.length).toBeLessThan(10 * 1024)
    const answer = await postRaw('/events/batch', bomb, { 'Content-Encoding': 'gzip' })
    // The first is no JSON: a parser that had seen it would have said so.
    expect(problemOf(answer)).toEqual([422, 'invalid_request', '(body)'])
  })

  it('in YAML is held to the same names', async () => {
    const body = 'switchyard: 1\n"__proto__":\n  admin: true\n'
    const answer = await postRaw('/configuration', body, { 'Content-Type': 'application/yaml' })
    expect(problemOf(answer).slice(0, 3)).toEqual([422, 'invalid_request', '__proto__'])
  })

  it('changes no prototype, taken or refused', async () => {
    await postRaw('/events', data('{"__proto__":{"polluted":1}}'))
    await postRaw('/rules/preview', '{"type":"a.b","data":{},"constructor":{"prototype":{"polluted":1}}}')
    const { api } = await makeTenant(stack)
    const answer = await api.get('/events?__proto__=1&constructor=2')
    expect(problemOf(answer).slice(0, 3)).toEqual([422, 'invalid_request', '__proto__'])
    expect({}).not.toHaveProperty('polluted')
  })

  it('of any media type is read as JSON: what a page elsewhere can post has no key with it', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded'])
      expect((await postRaw('/events', JSON.stringify(event), { 'Content-Type': type })).status).toBe(202)
    const bare = await supertest(stack.app)
      .post('/api/v1/events')
      .type('text/plain')
      .send(JSON.stringify(event))
    expect(bare.status).toBe(401)
  })
})

describe('calls from pages of other origins', () => {
  const preflight = (app: Parameters<typeof supertest>[0], origin: string) =>
    supertest(app).options('/api/v1/destinations').set({
      Origin: origin,
      'Access-Control-Request-Method': 'PATCH',
      'Access-Control-Request-Headers': 'authorization',
    })

  it('are not allowed unless the operator names them', async () => {
    const answer = await preflight(stack.app, 'https://app.example.com')
    expect(problemOf(answer)).toEqual([404, 'not_found'])
    expect(
      Object.keys(answer.headers as object).filter((name) => /^(access-control|allow)/.test(name)),
    ).toEqual([])
  })

  it('are allowed from the origins that are named, exactly, for the API alone, and without cookies', async () => {
    const app = stack.anotherApp({ corsOrigins: ['https://app.example.com'] })
    const { headers } = await preflight(app, 'https://app.example.com').expect(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-methods': 'GET,HEAD,POST,PATCH,DELETE',
      'access-control-allow-headers':
        'Authorization,X-API-Key,ds-api-token,Content-Type,Idempotency-Key,Switchyard-Hops',
    })
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
    const answer = await supertest(app).get('/api/v1/events').set('Origin', 'https://app.example.com')
    expect(answer.get('access-control-allow-origin')).toBe('https://app.example.com')
    for (const origin of [
      'https://evil.example',
      'https://app.example.com.evil.example',
      'http://app.example.com',
      'null',
    ]) {
      expect((await preflight(app, origin)).headers).not.toHaveProperty('access-control-allow-origin')
      const got = await supertest(app).get('/api/v1/events').set('Origin', origin)
      expect(got.headers).not.toHaveProperty('access-control-allow-origin')
    }
    for (const path of ['/docs/', '/openapi.json', '/healthz', '/acknowledge/x']) {
      const got = await supertest(app).get(path).set('Origin', 'https://app.example.com')
      expect(got.headers).not.toHaveProperty('access-control-allow-origin')
    }
  })
})

describe('an odd request', () => {
  it.each([
    ['PUT', '/api/v1/events', 404, 'not_found'],
    ['TRACE', '/api/v1/events', 404, 'not_found'],
    ['OPTIONS', '/api/v1/events', 404, 'not_found'],
    ['PROPFIND', '/api/v1/events', 404, 'not_found'],
    ['GET', '/api/v1/destinations/%zz', 400, 'bad_request'],
    ['GET', '/api/v1/destinations/%ff', 400, 'bad_request'],
    ['GET', '/api/v1/destinations/%00', 404, 'not_found'],
    ['GET', '/api/v1/events/..%2f..%2fetc', 404, 'not_found'],
    ['GET', '/api/v1/events?limit=%ff%zz', 422, 'invalid_request'],
  ])('%s %s has an answer that says so, without a stack', async (method, path, status, code) => {
    const { key } = await makeTenant(stack)
    const request = supertest(stack.app)
    const answer = await (request as unknown as Record<string, (path: string) => supertest.Test>)[
      method.toLowerCase()
    ]!(path).auth(key, { type: 'bearer' })
    expect(answer.status).toBe(status)
    expect(answer.get('content-type')).toMatch(/^application\/problem\+json/)
    if (method !== 'TRACE') expect(answer.body).toMatchObject({ code })
    expect(answer.text ?? '').not.toMatch(/\bat .*:\d+:\d+|node_modules/)
  })

  it.each(['events/', 'events/evt_', 'replays/rpl_', 'destinations/dst_', 'webhooks/', 'webhooks/logs/'])(
    'for an id of 8,000 characters below %s finds nothing',
    async (path) => {
      const { api } = await makeTenant(stack)
      expect(problemOf(await api.get(`/${path}${'a'.repeat(8000)}`))).toEqual([404, 'not_found'])
    },
  )

  it('cannot pass as another method by a header or a parameter', async () => {
    const { api, key } = await makeTenant(stack)
    const given = {
      name: 'x',
      channel: 'webhook',
      config: { url: 'https://example.com/' },
      subscription: { eventTypes: ['all'] },
    }
    const { id } = (await api.post('/destinations', given).expect(201)).body as { id: string }
    await supertest(stack.app)
      .post(`/api/v1/destinations/${id}?_method=DELETE`)
      .auth(key, { type: 'bearer' })
      .set('X-HTTP-Method-Override', 'DELETE')
      .send({ _method: 'DELETE' })
      .expect(404)
    await api.get(`/destinations/${id}`).expect(200)
  })

  it('HEAD gets the head of what GET gets, and needs a key as well', async () => {
    const { key } = await makeTenant(stack)
    const got = await supertest(stack.app)
      .head('/api/v1/destinations')
      .auth(key, { type: 'bearer' })
      .expect(200)
    expect(got.text ?? '').toBe('')
    expect(Number(got.get('content-length'))).toBeGreaterThan(0)
    await supertest(stack.app).head('/api/v1/destinations').expect(401)
  })
})

describe('who tries keys out', () => {
  const guess = (app: Parameters<typeof supertest>[0], key: string) =>
    supertest(app).get('/api/v1/destinations').auth(key, { type: 'bearer' })

  it('is held back after 60 a minute, while good keys and calls without any are not', async () => {
    // Its own counters, and addresses told by a proxy that is believed.
    const app = stack.anotherApp({ trustProxy: 1 })
    const { key } = await makeTenant(stack)
    const from = (address: string, given: string) => guess(app, given).set('X-Forwarded-For', address)
    const statuses = await Promise.all(
      Array.from({ length: 65 }, (_, n) => from('203.0.113.7', `sk_live_${n}`).then(({ status }) => status)),
    )
    expect(statuses.filter((status) => status === 401)).toHaveLength(60)
    expect(statuses.filter((status) => status === 429)).toHaveLength(5)
    const held = await from('203.0.113.7', 'sk_live_one_more')
    expect(problemOf(held)).toEqual([429, 'rate_limited'])
    expect(Number(held.get('retry-after'))).toBeGreaterThan(0)
    await from('203.0.113.7', key).expect(200)
    await supertest(app).get('/api/v1/destinations').set('X-Forwarded-For', '203.0.113.7').expect(401)
    await from('203.0.113.8', 'sk_live_x').expect(401)
  })

  it('counts as one with all addresses of an IPv6 network', async () => {
    const app = stack.anotherApp({ trustProxy: 1 })
    const from = async (address: string) =>
      (await guess(app, 'sk_live_x').set('X-Forwarded-For', address)).status
    for (let n = 0; n < 60; n++) await from(`2001:db8:0:1::${n.toString(16)}`)
    expect(await from('2001:db8:0:1:ffff::1')).toBe(429)
    expect(await from('2001:db8:0:2::1')).toBe(401)
  })

  it('of the platform key likewise', async () => {
    const app = stack.anotherApp({})
    for (let n = 0; n < 60; n++) await guess(app, `${adminKey}${n}`).expect(401)
    await guess(app, `${adminKey}x`).expect(429)
    await supertest(app).get('/api/v1/tenants').auth(adminKey, { type: 'bearer' }).expect(200)
  })
})

describe('limits of a key', () => {
  it('let 200 calls through in a minute and 100 a minute over five, and tell what is left', async () => {
    const tenant = await supertest(stack.app)
      .post('/api/v1/tenants')
      .auth(adminKey, { type: 'bearer' })
      .send({ name: 'Acme' })
    const { id, limits } = tenant.body as { id: string; limits: object }
    expect(limits).toMatchObject({ apiPerMinute: 100, apiBurst: 200 })
    const made = await supertest(stack.app)
      .post(`/api/v1/tenants/${id}/keys`)
      .auth(adminKey, { type: 'bearer' })
      .send({ environment: 'sandbox' })
    const { key } = made.body as { key: string }
    const answers = await Promise.all(Array.from({ length: 205 }, () => guess(key)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(200)
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.get('ratelimit-policy')).toBe(
      '"burst";q=200;w=60, "sustained";q=500;w=300, "tenant-burst";q=600;w=60, "tenant-sustained";q=1500;w=300',
    )
    expect(refused?.get('ratelimit')).toMatch(
      /^"burst";r=0;t=\d+, "sustained";r=300;t=\d+, "tenant-burst";r=400;t=\d+, /,
    )
    expect(Number(refused?.get('retry-after'))).toBeGreaterThan(0)
    expect(answers.find(({ status }) => status === 200)?.get('ratelimit')).toMatch(/^"burst";r=\d+/)
  })

  const guess = (key: string) =>
    supertest(stack.app).get('/api/v1/destinations').auth(key, { type: 'bearer' })
})
