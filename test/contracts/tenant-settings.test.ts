import { describe, expect, it } from 'vitest'
import { sharedStack } from '../support/shared-stack.ts'
import { makeKey, makeTenant } from '../support/stack.ts'
import {
  change,
  destinations,
  masked,
  nothing,
  read,
  refusedFields,
  reveal,
  type Destination,
} from './settings-client.ts'

const stack = sharedStack({ workers: false })

const url = 'https://example.com/kyc'
const slackUrl = 'https://hooks.slack.com/services/T0AB12CD3/B0EF45GH6/XXX4pq9ZZw0aBcDeFgHiJkLm'
const ownSecret = 'a-secret-of-our-own-0123456789'
const everything = {
  webhook_url: url,
  webhook_secret: ownSecret,
  notification_emails: ['aml@example.com', 'kyc@example.com'],
  slack_webhook_url: slackUrl,
}

const channels = (list: Destination[]) => list.map(({ channel }) => channel).sort()

/**
 * Tenants to change twice at once. Ten are made at once for five, so that the database has a connection open for every one
 * of the ten changes: else the first change is done before the second begins.
 */
const makeFiveTenants = async () =>
  (await Promise.all(Array.from({ length: 10 }, () => makeTenant(stack)))).slice(0, 5)

describe('GET and PATCH /api/v1/tenant/settings', () => {
  it('a fresh tenant has nothing set, and no change leaves it so', async () => {
    const { api } = await makeTenant(stack)
    expect(await read(api)).toEqual(nothing)
    expect(await change(api, {})).toEqual(nothing)
    expect(await destinations(api)).toEqual([])
  })

  it('what is sent back as it was read, masked, changes nothing', async () => {
    const { api } = await makeTenant(stack)
    const settings = await change(api, { ...everything, event_categories: ['watchlist'] })
    const before = await destinations(api)
    expect(settings).toEqual({
      ...everything,
      webhook_secret: masked(ownSecret),
      slack_webhook_url: masked(slackUrl),
      event_categories: ['watchlist'],
    })
    expect(await change(api, settings)).toEqual(settings)
    expect(await reveal(api)).toBe(ownSecret)
    const withoutTime = (list: Destination[]) => list.map((one) => ({ ...one, updatedAt: undefined }))
    expect(withoutTime(await destinations(api))).toEqual(withoutTime(before))
  })

  it('another webhook_url keeps the secret and the destination', async () => {
    const { api } = await makeTenant(stack)
    await change(api, { webhook_url: url })
    const [secret, [before]] = [await reveal(api), await destinations(api)]
    expect(await change(api, { webhook_url: `${url}/moved` })).toMatchObject({
      webhook_url: `${url}/moved`,
      webhook_secret: masked(secret),
    })
    expect(await reveal(api)).toBe(secret)
    expect(await destinations(api)).toMatchObject([{ id: before?.id, config: { url: `${url}/moved` } }])
  })

  it('two changes at once leave exactly one webhook, with one secret', async () => {
    const tenants = await makeFiveTenants()
    const urls = [`${url}/1`, `${url}/2`]
    const answers = await Promise.all(
      tenants.map(({ api }) => Promise.all(urls.map((webhook_url) => change(api, { webhook_url })))),
    )
    for (const [at, { api }] of tenants.entries()) {
      const [kept, ...others] = await destinations(api)
      expect(others).toEqual([])
      expect(urls).toContain(kept?.config.url)
      const secrets = answers[at]?.map(({ webhook_secret }) => webhook_secret)
      expect(new Set(secrets)).toEqual(new Set([masked(await reveal(api))]))
    }
  })

  it.each([
    ['webhook_url', null, 'webhook', { webhook_url: null, webhook_secret: null }],
    ['notification_emails', null, 'email', { notification_emails: [] }],
    ['notification_emails', [], 'email', { notification_emails: [] }],
    ['slack_webhook_url', null, 'slack', { slack_webhook_url: null }],
  ])('%s: %j turns that channel off, and no other', async (field, value, channel, off) => {
    const { api } = await makeTenant(stack)
    const before = await change(api, everything)
    expect(channels(await destinations(api))).toEqual(['email', 'slack', 'webhook'])
    expect(await change(api, { [field]: value })).toEqual({ ...before, ...off })
    const left = ['email', 'slack', 'webhook'].filter((name) => name !== channel)
    expect(channels(await destinations(api))).toEqual(left)
    // Off already: no change, and no fault either.
    expect(await change(api, { [field]: value })).toEqual({ ...before, ...off })
  })

  it('what a change leaves out stays, and a channel that comes later hears the same categories', async () => {
    const { api } = await makeTenant(stack)
    await change(api, { webhook_url: url, event_categories: ['session'] })
    const settings = await change(api, { notification_emails: ['aml@example.com'] })
    expect(settings).toMatchObject({
      webhook_url: url,
      notification_emails: ['aml@example.com'],
      event_categories: ['session'],
    })
    const [first, second] = (await destinations(api)).map(({ subscription }) => subscription.eventTypes)
    expect(first).toEqual(second)
    expect(await change(api, { event_categories: null })).toEqual({ ...settings, event_categories: null })
  })

  it('what the native API narrowed stays narrow when the settings change something else', async () => {
    const { api } = await makeTenant(stack)
    await change(api, { webhook_url: url })
    const [webhook] = await destinations(api)
    const subscription = { eventTypes: ['aml.match.found'] }
    await api.patch(`/destinations/${webhook?.id}`, { subscription }).expect(200)
    await change(api, { notification_emails: ['aml@example.com'] })
    expect((await api.get(`/destinations/${webhook?.id}`).expect(200)).body).toMatchObject({ subscription })
  })
})

describe('422 names the field, and nothing is written:', () => {
  it.each<[what: string, patch: object, fields: string[]]>([
    ['a URL that is none', { webhook_url: 'example' }, ['webhook_url']],
    ['a URL with a password', { webhook_url: 'https://a:b@example.com/' }, ['webhook_url']],
    ['a private address', { webhook_url: 'https://10.1.2.3/' }, ['webhook_url']],
    ['a URL of another scheme', { webhook_url: 'ftp://example.com/' }, ['webhook_url']],
    ['a bad address', { notification_emails: ['a@example.com', 'nobody'] }, ['notification_emails.1']],
    ['an address with a name', { notification_emails: ['Ann <a@example.com>'] }, ['notification_emails.0']],
    [
      '51 addresses',
      { notification_emails: Array.from({ length: 51 }, (_, n) => `a${n}@example.com`) },
      ['notification_emails'],
    ],
    ['one text instead of a list', { notification_emails: 'a@example.com' }, ['notification_emails']],
    ['a Slack URL that is none', { slack_webhook_url: 'hooks.slack.com/x' }, ['slack_webhook_url']],
    [
      'the mask of a Slack URL we do not have',
      { slack_webhook_url: masked(slackUrl) },
      ['slack_webhook_url'],
    ],
    ['a Slack URL inside', { slack_webhook_url: 'https://169.254.169.254/x' }, ['slack_webhook_url']],
    ['a category there is not', { webhook_url: url, event_categories: ['aml'] }, ['event_categories.0']],
    ['no category', { webhook_url: url, event_categories: [] }, ['event_categories']],
    ['a category and no channel', { event_categories: ['session'] }, ['event_categories']],
    ['an unknown field', { webhook_url: url, webhook_urls: [url] }, ['webhook_urls']],
    [
      'one bad field of three',
      { webhook_url: url, notification_emails: ['aml@example.com'], slack_webhook_url: 'x' },
      ['slack_webhook_url'],
    ],
  ])('%s', async (_what, patch, fields) => {
    const { api } = await makeTenant(stack)
    expect(await refusedFields(api, patch)).toEqual(fields)
  })

  it.each([['webhook_url'], ['slack_webhook_url']])(
    'an empty %s, rather than leaving the channel on without a word',
    async (field) => {
      const { api } = await makeTenant(stack)
      await change(api, everything)
      expect(await refusedFields(api, { [field]: '' })).toEqual([field])
    },
  )

  it('plain http, in production and not in the sandbox', async () => {
    const { api, id } = await makeTenant(stack, 'sandbox')
    const live = await makeKey(stack, id, 'production')
    const plain = 'http://receiver.example/kyc'
    expect(await change(api, { webhook_url: plain })).toMatchObject({ webhook_url: plain })
    expect(await refusedFields(live.api, { webhook_url: plain })).toEqual(['webhook_url'])
    expect(await refusedFields(live.api, { slack_webhook_url: plain })).toEqual(['slack_webhook_url'])
    expect(await change(live.api, { webhook_url: url })).toMatchObject({ webhook_url: url })
  })
})

describe('who may see and change them', () => {
  it('sandbox and production are apart, and another tenant sees nothing', async () => {
    const { api, id } = await makeTenant(stack, 'sandbox')
    const live = await makeKey(stack, id, 'production')
    const stranger = await makeTenant(stack, 'sandbox')
    const settings = await change(api, everything)
    for (const other of [live.api, stranger.api]) {
      expect(await read(other)).toEqual(nothing)
      await other.post('/tenant/settings/reveal-secret').expect(404)
      await change(other, { webhook_url: `${url}/theirs` })
      expect(await reveal(other)).not.toBe(ownSecret)
      await change(other, { webhook_url: null })
    }
    expect(await read(api)).toEqual(settings)
    expect(await reveal(api)).toBe(ownSecret)
  })

  it('403 without settings:read to look and settings:write to change', async () => {
    const { api, id } = await makeTenant(stack)
    const reader = await makeKey(stack, id, 'sandbox', ['settings:read'])
    const writer = await makeKey(stack, id, 'sandbox', ['settings:write'])
    await change(writer.api, { webhook_url: url })
    await writer.api.get('/tenant/settings').expect(403)
    expect(await read(reader.api)).toEqual(await read(api))
    await reader.api.patch('/tenant/settings', { webhook_url: null }).expect(403)
    expect(await read(api)).toMatchObject({ webhook_url: url })
  })
})
