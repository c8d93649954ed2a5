import { TypeID } from 'typeid-js'
import { describe, expect, it } from 'vitest'
import { sharedStack } from '../support/shared-stack.ts'
import { makeKey, makeTenant } from '../support/stack.ts'
import {
  createWebhook,
  documentedTime,
  listWebhooks,
  nativeTwin,
  readWebhook,
  type Problem,
} from './webhooks-client.ts'

/** The Webhooks API’s document: changing a webhook, who may reach it, and how it looks to the native API. */
const stack = sharedStack({ workers: false })

const webhook_url = 'https://api.yourcompany.com/webhooks/screening'
const documented = {
  event_type: 'screening.completed',
  webhook_url,
  description: 'Production screening webhook',
  filters: { risk_level: 'high' },
}
const unknownId = '0190a6b2-7c1e-7d3f-8a4b-5c6d7e8f9a0b'

describe('PATCH', () => {
  const changes: [field: string, value: unknown][] = [
    ['webhook_url', 'https://api.yourcompany.com/webhooks/moved'],
    ['is_active', false],
    ['description', 'Updated\nover two lines'],
    ['description', ''],
    ['filters', { 'data.risk_level': { $in: ['high', 'critical'] } }],
    ['filters', {}],
  ]
  it.each(changes)('%s alone, to %j: the rest stays as it is', async (field, value) => {
    const { api } = await makeTenant(stack)
    const { id } = await createWebhook(api, documented)
    const before = await readWebhook(api, id)
    const { body } = await api.patch(`/webhooks/${id}/`, { [field]: value }).expect(200)
    expect(body).toEqual({ message: 'Webhook updated', id })
    const after = await readWebhook(api, id)
    expect(after).toEqual({ ...before, [field]: value, updated_at: after.updated_at })
    expect(after.updated_at).toMatch(documentedTime)
    expect(after.updated_at?.localeCompare(before.updated_at ?? '')).toBe(1)
  })

  it('every field at once, and none', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await createWebhook(api, documented)
    const change = {
      webhook_url: 'https://example.org/',
      is_active: false,
      description: 'd',
      filters: { a: null },
    }
    await api.patch(`/webhooks/${id}/`, change).expect(200)
    await api.patch(`/webhooks/${id}/`, {}).expect(200)
    expect(await readWebhook(api, id)).toMatchObject(change)
  })

  it.each<[body: object, path: string]>([
    [{ event_type: 'case.opened' }, 'event_type'],
    [{ secret_key: 'whsec_mine' }, 'secret_key'],
    [{ webhook_url: 'http://example.com/' }, 'webhook_url'],
    [{ webhook_url: 'https://10.0.0.1/' }, 'webhook_url'],
    [{ webhook_url: null }, 'webhook_url'],
    [{ is_active: 'false' }, 'is_active'],
    [{ is_active: null }, 'is_active'],
    [{ description: null }, 'description'],
    [{ filters: [] }, 'filters'],
    [{ filters: { 'data.a': { $regex: '(' } } }, 'filters.data.a.$regex'],
  ])('422 for %j names %s, and nothing changes', async (body, path) => {
    const { api } = await makeTenant(stack)
    const { id } = await createWebhook(api, documented)
    const before = await readWebhook(api, id)
    const answer = await api
      .patch(`/webhooks/${id}/`, { description: 'no', is_active: false, ...body })
      .expect(422)
    expect((answer.body as Problem).errors.map((error) => error.path)).toEqual([path])
    expect(await readWebhook(api, id)).toEqual(before)
  })
})

describe('404', () => {
  it.each(['not-a-uuid', unknownId, '00000000-0000-0000-0000-000000000000', 'test', '%00', "1' OR '1'='1"])(
    'for the id %s, whatever is asked',
    async (id) => {
      const { api } = await makeTenant(stack)
      const { body } = await api.get(`/webhooks/${id}/`).expect(404)
      expect(body).toMatchObject({ status: 404, code: 'not_found' })
      await api.patch(`/webhooks/${id}/`, { is_active: false }).expect(404)
      await api.delete(`/webhooks/${id}/`).expect(404)
    },
  )

  it('for another tenant’s key and another environment’s, which do not list it either', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const { id } = await createWebhook(api, documented)
    const before = await readWebhook(api, id)
    const { api: live } = await makeKey(stack, tenantId, 'production')
    const { api: stranger } = await makeTenant(stack)
    for (const other of [live, stranger]) {
      await other.get(`/webhooks/${id}/`).expect(404)
      await other.patch(`/webhooks/${id}/`, { is_active: false }).expect(404)
      await other.delete(`/webhooks/${id}/`).expect(404)
      expect(await listWebhooks(other)).toEqual([])
    }
    expect(await readWebhook(api, id)).toEqual(before)
  })

  it('for a destination of the native API, by its UUID and by its own id', async () => {
    const { api } = await makeTenant(stack)
    const native = { name: 'n', channel: 'webhook', config: { url: webhook_url } }
    const subscription = { eventTypes: ['case.opened'] }
    const made = (await api.post('/destinations', { ...native, subscription }).expect(201)).body as {
      id: string
    }
    for (const id of [TypeID.fromString(made.id).toUUID(), made.id]) {
      await api.get(`/webhooks/${id}/`).expect(404)
      await api.patch(`/webhooks/${id}/`, { is_active: false }).expect(404)
      await api.delete(`/webhooks/${id}/`).expect(404)
    }
    expect(await listWebhooks(api)).toEqual([])
    await api.get(`/destinations/${made.id}`).expect(200)
  })
})

describe('beside the native API', () => {
  it('a webhook is a destination there, paused while it is not active, and gone once it is deleted', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await createWebhook(api, documented)
    const twin = await nativeTwin(api, webhook_url)
    expect(twin).toMatchObject({
      channel: 'webhook',
      status: 'active',
      config: { url: webhook_url, wireFormat: 'standard-webhooks' },
      subscription: { eventTypes: ['screening.completed'], filter: { 'data.risk_level': 'high' } },
    })
    await api.patch(`/webhooks/${id}/`, { is_active: false }).expect(200)
    expect(await nativeTwin(api, webhook_url)).toMatchObject({ status: 'paused' })
    await api.patch(`/webhooks/${id}/`, { is_active: true }).expect(200)
    expect(await nativeTwin(api, webhook_url)).toMatchObject({ status: 'active' })
    await api.post(`/destinations/${twin.id}/pause`).expect(200)
    expect(await readWebhook(api, id)).toMatchObject({ is_active: false })
    await api.delete(`/webhooks/${id}/`).expect(200)
    await api.get(`/destinations/${twin.id}`).expect(404)
  })

  it('a subscription that was changed there shows here, and takes the description along unchanged', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await createWebhook(api, { ...documented, description: '' })
    const twin = await nativeTwin(api, webhook_url)
    const filter = { 'data.score': { $gte: 90 } }
    const subscription = { eventTypes: ['screening.failed'], filter }
    await api.patch(`/destinations/${twin.id}`, { subscription }).expect(200)
    expect(await readWebhook(api, id)).toMatchObject({
      event_type: 'screening.failed',
      filters: filter,
      description: '',
    })
  })
})
