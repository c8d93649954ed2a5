import { describe, expect, it } from 'vitest'
import { sharedStack } from '../support/shared-stack.ts'
import { makeKey, makeTenant } from '../support/stack.ts'
import {
  revealings,
  change,
  destinations,
  masked,
  nothing,
  read,
  refusedFields,
  reveal,
} from './settings-client.ts'

const stack = sharedStack({ workers: false })

const url = 'https://example.com/kyc'
const ownSecret = 'a-secret-of-our-own-0123456789'

describe('webhook_secret', () => {
  it('is made for a webhook_url that comes alone, and every answer masks it but for its last four characters', async () => {
    const { api } = await makeTenant(stack)
    const changed = await change(api, { webhook_url: url })
    const secret = await reveal(api)
    expect(secret.length).toBeGreaterThanOrEqual(32)
    expect(changed).toEqual({ ...nothing, webhook_url: url, webhook_secret: masked(secret) })
    expect(changed.webhook_secret).toMatch(/^\*{28}[^*]{4}$/)
    expect(await read(api)).toEqual(changed)

    const [destination] = await destinations(api)
    const shown = [
      await read(api),
      (await api.get('/destinations').expect(200)).body,
      (await api.get(`/destinations/${destination?.id}`).expect(200)).body,
      (await api.patch(`/destinations/${destination?.id}`, { name: 'Ours' }).expect(200)).body,
      (await api.post(`/destinations/${destination?.id}/pause`).expect(200)).body,
      await change(api, { webhook_url: `${url}/2` }),
      await revealings(api),
    ]
    for (const part of [secret, secret.slice(0, -4), secret.slice(6)])
      expect(JSON.stringify(shown)).not.toContain(part)
  })

  it('is another one for every tenant', async () => {
    const secrets = []
    for (let n = 0; n < 3; n++) {
      const { api } = await makeTenant(stack)
      await change(api, { webhook_url: url })
      secrets.push(await reveal(api))
    }
    expect(new Set(secrets).size).toBe(3)
  })

  it.each([16, 30, 256])('may be one’s own, of %i visible characters', async (length) => {
    const { api } = await makeTenant(stack)
    const own = Array.from({ length }, (_, n) => String.fromCharCode(0x21 + (n % 94))).join('')
    const changed = await change(api, { webhook_url: url, webhook_secret: own })
    expect(changed.webhook_secret).toBe(masked(own))
    expect(await read(api)).toEqual(changed)
    expect(await reveal(api)).toBe(own)
  })

  it('replaces the one there is, whether that was made or brought', async () => {
    const { api } = await makeTenant(stack)
    await change(api, { webhook_url: url })
    for (const webhook_secret of [ownSecret, `${ownSecret}-next`]) {
      const changed = await change(api, { webhook_secret })
      expect(changed).toMatchObject({ webhook_url: url, webhook_secret: masked(webhook_secret) })
      expect(await reveal(api)).toBe(webhook_secret)
    }
  })

  it.each([
    ['of 15 characters', 'x'.repeat(15)],
    ['of 257 characters', 'x'.repeat(257)],
    ['with a space', 'a secret with spaces in it'],
    ['with a line break', 'a-secret-that-ends-in-one\n'],
    ['that is not ASCII', 'ein-Geheimnis-für-uns-alle'],
    ['that is no text', 1234567890123456],
  ])('422 for one %s', async (_what, webhook_secret) => {
    const { api } = await makeTenant(stack)
    expect(await refusedFields(api, { webhook_url: url, webhook_secret })).toEqual(['webhook_secret'])
  })

  it('422 for an empty one, rather than one made without a word', async () => {
    const { api } = await makeTenant(stack)
    expect(await refusedFields(api, { webhook_url: url, webhook_secret: '' })).toEqual(['webhook_secret'])
  })

  it('422 for the mask of another secret: what every answer shows must never become what signs', async () => {
    const { api } = await makeTenant(stack)
    const { webhook_secret: stale } = await change(api, { webhook_url: url })
    await change(api, { webhook_secret: ownSecret })
    expect(await refusedFields(api, { webhook_secret: stale })).toEqual(['webhook_secret'])
    expect(await reveal(api)).toBe(ownSecret)
  })

  it('422 where there is no webhook_url for it to sign for', async () => {
    const { api } = await makeTenant(stack)
    expect(await refusedFields(api, { webhook_secret: ownSecret })).toEqual(['webhook_secret'])
    const off = { webhook_url: null, webhook_secret: ownSecret }
    expect(await refusedFields(api, off)).toEqual(['webhook_secret'])
    await change(api, { webhook_url: url })
    expect(await refusedFields(api, off)).toEqual(['webhook_secret'])
  })
})

describe('POST /api/v1/tenant/settings/reveal-secret', () => {
  it('403 without secrets:read, even with everything about settings; 200 with it, or with *', async () => {
    const { api, id } = await makeTenant(stack)
    await change(api, { webhook_url: url, webhook_secret: ownSecret })
    const manager = await makeKey(stack, id, 'sandbox', ['settings:read', 'settings:write', 'events:write'])
    const refused = await manager.api.post('/tenant/settings/reveal-secret').expect(403)
    expect(refused.body).toMatchObject({ code: 'forbidden' })
    expect(JSON.stringify(refused.body)).not.toContain(ownSecret)
    const keeper = await makeKey(stack, id, 'sandbox', ['secrets:read'])
    expect(await reveal(keeper.api)).toBe(ownSecret)
    expect(await reveal(api)).toBe(ownSecret)
    expect(await revealings(api)).toHaveLength(2)
  })

  it('404 while there is none, and again once the webhook is off; then nothing is audited', async () => {
    const { api } = await makeTenant(stack)
    await api.post('/tenant/settings/reveal-secret').expect(404)
    await change(api, { notification_emails: ['aml@example.com'] })
    await api.post('/tenant/settings/reveal-secret').expect(404)
    await change(api, { webhook_url: url })
    await change(api, { webhook_url: null })
    await api.post('/tenant/settings/reveal-secret').expect(404)
    expect(await revealings(api)).toEqual([])
  })

  it('every call is in the audit log once: what was shown, by which key, from where', async () => {
    const { api, id, keyId } = await makeTenant(stack)
    await change(api, { webhook_url: url })
    const [destination] = await destinations(api)
    const keeper = await makeKey(stack, id, 'sandbox', ['secrets:read'])
    const startedAt = Date.now()
    const secret = await reveal(api)
    await reveal(keeper.api)
    const entries = await revealings(api)
    const entry = {
      id: expect.stringMatching(/^aud_/) as string,
      at: expect.any(String) as string,
      action: 'webhook-secret.revealed',
      subject: destination?.id,
      address: expect.stringMatching(/^(::ffff:)?127\.0\.0\.1$|^::1$/) as string,
    }
    expect(entries).toMatchObject([
      { ...entry, keyId: keeper.keyId },
      { ...entry, keyId },
    ])
    for (const { at } of entries) expect(Math.abs(Date.parse(at) - startedAt)).toBeLessThan(60_000)
    expect(JSON.stringify(entries)).not.toContain(secret)

    const live = await makeKey(stack, id, 'production')
    const stranger = await makeTenant(stack)
    expect(await revealings(live.api)).toEqual([])
    expect(await revealings(stranger.api)).toEqual([])
    await keeper.api.get('/audit').expect(403)
  })
})
