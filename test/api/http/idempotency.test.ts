import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { sharedStack } from '../../support/shared-stack.ts'
import { adminKey, makeKey, makeTenant, type Api } from '../../support/stack.ts'

const stack = sharedStack({ workers: false })

const destination = {
  name: 'Case system',
  channel: 'webhook',
  config: { url: 'http://127.0.0.1:9/hook' },
  subscription: { eventTypes: ['all'] },
}
const rule = { name: 'r', when: { events: ['aml.*'] }, steps: [{ stop: 'nothing to do' }] }
const template = { name: 't', parts: { slack: { text: 'Hello' } } }

async function count(api: Api, path: string): Promise<number> {
  return ((await api.get(path).expect(200)).body as { data: unknown[] }).data.length
}

describe('a POST with an Idempotency-Key', () => {
  it.each([
    ['/destinations', destination],
    ['/rules', rule],
    ['/templates', template],
    ['/event-types', { type: 'acme.case.closed' }],
    ['/keys', { name: 'CI', scopes: ['events:write'] }],
  ])('to %s creates once and answers the same again, secrets included', async (path, body) => {
    const { api } = await makeTenant(stack)
    const before = await count(api, path)
    const post = () => api.post(path, body).set('Idempotency-Key', 'k1')
    const first = await post().expect(201)
    const again = await post().expect(201)
    expect(again.body).toEqual(first.body)
    expect(again.headers['idempotent-replayed']).toBe('true')
    expect(await count(api, path)).toBe(before + 1)
  })

  it('to /tenants, by the platform key', async () => {
    const post = () =>
      supertest(stack.app)
        .post('/api/v1/tenants')
        .auth(adminKey, { type: 'bearer' })
        .set('Idempotency-Key', 'tenant-1')
        .send({ name: 'Once' })
    expect((await post().expect(201)).body).toEqual((await post().expect(201)).body)
  })

  it('of several at once one creates; the others are told to wait, or get its answer', async () => {
    const { api } = await makeTenant(stack)
    const post = () => api.post('/destinations', destination).set('Idempotency-Key', 'k1')
    const statuses = (await Promise.all([1, 2, 3, 4].map(post))).map(({ status }) => status)
    expect(statuses).toContain(201)
    expect(statuses.every((status) => status === 201 || status === 409)).toBe(true)
    expect(await count(api, '/destinations')).toBe(1)
  })

  it('with another body is refused, and names the header', async () => {
    const { api } = await makeTenant(stack)
    const post = (name: string) =>
      api.post('/destinations', { ...destination, name }).set('Idempotency-Key', 'k1')
    await post('A').expect(201)
    expect((await post('B').expect(422)).body).toMatchObject({ errors: [{ path: 'Idempotency-Key' }] })
  })

  it('that failed can be corrected and sent again with the same key', async () => {
    const { api } = await makeTenant(stack)
    const post = (body: object) => api.post('/rules', body).set('Idempotency-Key', 'k1')
    await post({ ...rule, steps: [{ deliver: { to: ['dst_unknown'] } }] }).expect(422)
    await post(rule).expect(201)
  })

  it('counts per key: another key of the tenant is not shown what the first one was', async () => {
    const { id, api } = await makeTenant(stack)
    const other = await makeKey(stack, id, 'sandbox')
    const post = (by: Api) => by.post('/destinations', destination).set('Idempotency-Key', 'k1')
    const [first, second] = [await post(api).expect(201), await post(other.api).expect(201)]
    expect((first.body as { id: string }).id).not.toBe((second.body as { id: string }).id)
  })

  it('keeps no answer in the clear', async () => {
    const { id, api } = await makeTenant(stack)
    const made = await api.post('/destinations', destination).set('Idempotency-Key', 'k1').expect(201)
    const [row] = await stack.db.idempotentRequest.findMany({ where: { tenantId: id } })
    expect(row?.sealedBody).toEqual(expect.any(String))
    expect(JSON.stringify(row)).not.toContain((made.body as { secret: string }).secret)
  })
})
