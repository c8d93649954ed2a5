import { randomBytes } from 'node:crypto'
import { defaultPayloadConverter } from '@temporalio/common'
import supertest, { type Test } from 'supertest'
import { describe, expect, it } from 'vitest'
import { createPayloadCodec } from '../../../src/temporal/payload-codec.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { adminKey, apiOf, makeTenant, publicUrl, stackOfFile, type Stack } from '../../support/stack.ts'

const payloadKeys = [{ id: 'pay1', key: randomBytes(32) }]
const secretKeys = [{ id: 'sec1', key: randomBytes(32) }]
const stack = stackOfFile({ payloadKeys, secretKeys, workers: false })
const codec = createPayloadCodec(payloadKeys)
const uiOrigin = 'http://temporal-ui.test'

interface JsonPayloads {
  payloads: { metadata?: Record<string, string>; data?: string }[]
}

/** As Temporal's UI and CLI send them: proto3's JSON. */
async function encrypted(value: unknown, by = codec): Promise<JsonPayloads> {
  const payloads = await by.encode([defaultPayloadConverter.toPayload(value)])
  return {
    payloads: payloads.map(({ metadata, data }) => ({
      metadata: Object.fromEntries(
        Object.entries(metadata ?? {}).map(([name, bytes]) => [name, inBase64(bytes)]),
      ),
      data: inBase64(data),
    })),
  }
}

const inBase64 = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('base64')
const valueOf = ({ payloads: [payload] }: JsonPayloads) =>
  JSON.parse(Buffer.from(payload?.data ?? '', 'base64').toString()) as unknown

function decode(path = '/codec/decode'): Test {
  return supertest(stack.app).post(path).set('X-Namespace', 'default')
}

/** What a browser sends when somebody fills in the page's form. */
function signIn(key: string, { app }: Pick<Stack, 'app'> = stack): Test {
  return supertest(app).post('/codec/session').set('Origin', publicUrl).type('form').send({ key })
}

async function sessionCookieOf(key = adminKey): Promise<{ header: string; set: string }> {
  const set = (await signIn(key).expect(303)).get('Set-Cookie')?.[0] ?? ''
  return { header: set.split(';')[0] ?? '', set }
}

describe('with the platform key', () => {
  it('payloads are decoded and encoded, in the form in which they came', async () => {
    const asked = await encrypted({ name: 'Ada' })
    const { body } = await decode().auth(adminKey, { type: 'bearer' }).send(asked).expect(200)
    expect(valueOf(body as JsonPayloads)).toEqual({ name: 'Ada' })
    const again = await decode('/codec/encode')
      .auth(adminKey, { type: 'bearer' })
      .send(body as object)
      .expect(200)
    const [payload] = (again.body as JsonPayloads).payloads
    expect(Buffer.from(payload?.metadata?.encoding ?? '', 'base64').toString()).toBe('binary/encrypted')
    const back = await decode()
      .auth(adminKey, { type: 'bearer' })
      .send(again.body as object)
      .expect(200)
    expect(back.body).toEqual(body)
  })

  it('payloads that are not encrypted are left as they are', async () => {
    const clear = {
      payloads: [
        { metadata: { encoding: inBase64(Buffer.from('json/plain')) }, data: inBase64(Buffer.from('1')) },
        {},
      ],
    }
    const { body } = await decode().auth(adminKey, { type: 'bearer' }).send(clear).expect(200)
    expect(body).toEqual(clear)
  })

  it.each<[what: string, body: object, path: string]>([
    ['no payloads', {}, 'payloads'],
    ['payloads that are no list', { payloads: 'x' }, 'payloads'],
    ['data that is no base64', { payloads: [{ data: '<>' }] }, 'payloads.0.data'],
    [
      'metadata that is no base64',
      { payloads: [{ metadata: { encoding: 7 } }] },
      'payloads.0.metadata.encoding',
    ],
  ])('a body with %s is refused by name', async (_what, body, path) => {
    const refused = await decode().auth(adminKey, { type: 'bearer' }).send(body).expect(422)
    expect(refused.body).toMatchObject({ code: 'invalid_request', errors: [{ path }] })
  })

  it('a payload of a key that is not there is refused, and the key is named', async () => {
    const other = createPayloadCodec([{ id: 'gone', key: randomBytes(32) }])
    const { payloads } = await encrypted('x', other)
    const first = await encrypted('y')
    const asked = { payloads: [...first.payloads, ...payloads] }
    const refused = await decode().auth(adminKey, { type: 'bearer' }).send(asked).expect(422)
    expect(refused.body).toMatchObject({
      errors: [{ path: 'payloads.1', message: expect.stringContaining('"gone"') }],
    })
  })

  it('a body of more than 2 MiB is refused', async () => {
    const asked = { payloads: [{ data: 'A'.repeat(2 * 1024 * 1024) }] }
    await decode().auth(adminKey, { type: 'bearer' }).send(asked).expect(413)
  })
})

describe('without it', () => {
  it('nothing is decoded: no key, an unknown one, a tenant’s', async () => {
    const asked = await encrypted('x')
    const tenant = await makeTenant(stack)
    for (const path of ['/codec/decode', '/codec/encode']) {
      expect((await decode(path).send(asked).expect(401)).body).not.toHaveProperty('payloads')
      await decode(path).auth('sk_platform_unknown', { type: 'bearer' }).send(asked).expect(401)
      expect(
        (await decode(path).auth(tenant.key, { type: 'bearer' }).send(asked).expect(403)).body,
      ).not.toHaveProperty('payloads')
      await decode(`${path}?api_key=${adminKey}`).send(asked).expect(401)
    }
  })

  it('no session is opened, and the page says so and does not repeat what was typed', async () => {
    const tenant = await makeTenant(stack)
    for (const [key, status] of [
      ['sk_platform_unknown', 401],
      ['', 401],
      ['<script>', 401],
      [tenant.key, 403],
    ] as const) {
      const refused = await signIn(key).expect(status)
      expect(refused.get('Set-Cookie')).toBeUndefined()
      expect(refused.text).toContain('role="alert"')
      if (key) expect(refused.text).not.toContain(key)
    }
  })
})

describe('a session', () => {
  it('is a cookie that no script reads, that other sites do not have sent, and that is good for eight hours', async () => {
    const { set } = await sessionCookieOf()
    expect(set.split('; ').slice(1).sort()).toEqual([
      'HttpOnly',
      'Max-Age=28800',
      'Path=/codec',
      'SameSite=Strict',
      'Secure',
    ])
    expect(set).toMatch(/^__Secure-switchyard-codec=sec1\.[\w.-]+;/)
    expect(set).not.toContain(adminKey)
  })

  it('decodes for pages of Temporal’s UI and for our own, and for no others', async () => {
    const { header } = await sessionCookieOf()
    const asked = await encrypted('x')
    for (const origin of [uiOrigin, publicUrl]) {
      const { body } = await decode().set({ Cookie: header, Origin: origin }).send(asked).expect(200)
      expect(valueOf(body as JsonPayloads)).toBe('x')
    }
    for (const origin of [
      'https://evil.test',
      'null',
      `${uiOrigin}.evil.test`,
      'http://temporal-ui.test:81',
      `${publicUrl}.evil.test`,
    ])
      await decode().set({ Cookie: header, Origin: origin }).send(asked).expect(403)
    await decode().set('Cookie', header).send(asked).expect(403)
  })

  it('decodes nothing that a form could send', async () => {
    const { header } = await sessionCookieOf()
    const text = JSON.stringify(await encrypted('x'))
    for (const type of ['text/plain', 'application/x-www-form-urlencoded'])
      await decode().set({ Cookie: header, Origin: uiOrigin, 'Content-Type': type }).send(text).expect(400)
  })

  it('ends at once with its key, and with a change of it', async () => {
    const made = await apiOf(stack.app, adminKey).post('/platform-keys', { name: 'codec' }).expect(201)
    const { key, id } = made.body as { key: string; id: string }
    const { header } = await sessionCookieOf(key)
    const asked = await encrypted('x')
    const ask = () => decode().set({ Cookie: header, Origin: uiOrigin }).send(asked)
    await ask().expect(200)
    expect((await supertest(stack.app).get('/codec').set('Cookie', header).expect(200)).text).toContain(id)
    await apiOf(stack.app, adminKey).delete(`/platform-keys/${id}`).expect(204)
    await ask().expect(401)
    expect((await supertest(stack.app).get('/codec').set('Cookie', header).expect(200)).text).not.toContain(
      id,
    )
  })

  it('is worth nothing when anything in it is changed', async () => {
    const { header } = await sessionCookieOf()
    const asked = await encrypted('x')
    const [name = '', value = ''] = header.split('=')
    const changed = [0, 5, 20, 40, value.length - 3].map(
      (at) => value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1),
    )
    for (const other of [...changed, '', 'x', 'sec1.AAAA.AAAA.AAAA'])
      await decode()
        .set({ Cookie: `${name}=${other}`, Origin: uiOrigin })
        .send(asked)
        .expect(401)
  })

  it('is ended by its page', async () => {
    const { header } = await sessionCookieOf()
    const ended = await supertest(stack.app)
      .post('/codec/session/end')
      .set({ Cookie: header, Origin: publicUrl })
      .expect(303)
    expect(ended.get('Set-Cookie')?.[0]).toMatch(/^__Secure-switchyard-codec=; Max-Age=0; Path=\/codec;/)
    expect(ended.get('Location')).toBe('/codec')
  })

  it('is over for a copy of its cookie, too, once it is ended', async () => {
    const { header } = await sessionCookieOf()
    const decode = () =>
      supertest(stack.app)
        .post('/codec/decode')
        .set({ Cookie: header, Origin: publicUrl })
        .send({ payloads: [] })
    await decode().expect(200)
    await supertest(stack.app)
      .post('/codec/session/end')
      .set({ Cookie: header, Origin: publicUrl })
      .expect(303)
    await decode().expect(401)
  })

  it('is neither opened nor ended by a page of another origin', async () => {
    const { header } = await sessionCookieOf()
    for (const origin of ['https://evil.test', uiOrigin, 'null']) {
      const opened = await signIn(adminKey).set('Origin', origin).expect(403)
      expect(opened.get('Set-Cookie')).toBeUndefined()
      const ended = await supertest(stack.app)
        .post('/codec/session/end')
        .set({ Cookie: header, Origin: origin })
        .expect(403)
      expect(ended.get('Set-Cookie')).toBeUndefined()
    }
  })

  it('stands in the audit log from its beginning to its end', async () => {
    const { header } = await sessionCookieOf()
    await supertest(stack.app)
      .post('/codec/session/end')
      .set({ Cookie: header, Origin: publicUrl })
      .expect(303)
    const [end, begin] = await stack.db.auditEntry.findMany({
      where: { action: { startsWith: 'codec.' } },
      orderBy: { sequence: 'desc' },
      take: 2,
    })
    expect([begin?.action, end?.action]).toEqual(['codec.session-opened', 'codec.session-ended'])
    expect(begin).toMatchObject({ tenantId: null, keyId: 'ADMIN_API_KEY', session: end?.session })
    expect(begin?.session).toMatch(/^ses_/)
  })
})

describe('a browser', () => {
  it('may ask from Temporal’s UI with its cookie, and from nowhere else', async () => {
    const preflight = (origin: string) =>
      supertest(stack.app).options('/codec/decode').set({
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type,x-namespace',
      })
    const { headers } = await preflight(uiOrigin).expect(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': uiOrigin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'Content-Type,X-Namespace,Authorization',
      vary: expect.stringContaining('Origin'),
    })
    for (const origin of ['https://evil.test', 'null', publicUrl])
      expect((await preflight(origin)).headers).not.toHaveProperty('access-control-allow-origin')
    const page = await supertest(stack.app).get('/codec').set('Origin', uiOrigin).expect(200)
    expect(page.headers).not.toHaveProperty('access-control-allow-origin')
  })

  it('gets a page without scripts, that nobody frames and nothing keeps', async () => {
    const { headers, text } = await supertest(stack.app).get('/codec').expect(200)
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
    expect(headers['content-security-policy']).not.toContain('unsafe')
    expect(headers['cache-control']).toBe('no-store')
    expect(text).not.toMatch(/<script|style="|onclick/)
    expect(text).toContain('type="password"')
  })
})

describe('without payload keys', () => {
  const plain = sharedStack({ workers: false })

  it('there is no codec server', async () => {
    const asked = await encrypted('x')
    await supertest(plain.app)
      .post('/codec/decode')
      .auth(adminKey, { type: 'bearer' })
      .send(asked)
      .expect(404)
    await supertest(plain.app).get('/codec').expect(404)
    await signIn(adminKey, plain).expect(404)
  })
})

it('who tries out keys is held back', async () => {
  const statuses = new Set<number>()
  for (let tries = 0; tries < 70; tries++) statuses.add((await signIn(`sk_platform_${tries}`)).status)
  expect(statuses).toEqual(new Set([401, 429]))
  await signIn(adminKey).expect(303)
})
