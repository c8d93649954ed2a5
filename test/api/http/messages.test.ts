import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/domain/event.ts'
import { startReceiver, status } from '../../support/servers/receiver.ts'
import { startSmtpReceiver } from '../../support/servers/smtp-receiver.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeTenant, settledLog, untilTestEnds, type Api } from '../../support/stack.ts'

const stack = sharedStack()

const subscription = { eventTypes: ['aml.*'] }

async function mailbox(api: Api, name = 'Mail', more: object = { subscription }) {
  const receiver = untilTestEnds(await startSmtpReceiver())
  const config = { to: ['a@x.io'], from: 'b@x.io', smtpUrl: `smtp://127.0.0.1:${receiver.port}` }
  const { body } = await api.post('/destinations', { name, channel: 'email', config, ...more }).expect(201)
  return { id: (body as { id: string }).id, mails: receiver.mails }
}

async function endpoint(
  api: Api,
  channel: 'slack' | 'webhook',
  name: string = channel,
  more: object = { subscription },
) {
  const receiver = untilTestEnds(await startReceiver())
  const config = channel === 'slack' ? { webhookUrl: receiver.url } : { url: receiver.url }
  const { body } = await api.post('/destinations', { name, channel, config, ...more }).expect(201)
  return { id: (body as { id: string }).id, receiver }
}

async function happen(api: Api, data: JsonObject) {
  const { body } = await api.post('/events', { type: 'aml.match.found', data }).expect(202)
  return settledLog(api, (body as { id: string }).id)
}

describe('half of an emoji in a payload', () => {
  const name = 'Zo\ud83d'

  it('is U+FFFD for people, and stays what it is on webhooks, by the default and by a template', async () => {
    const { api } = await makeTenant(stack)
    const { mails } = await mailbox(api)
    const { receiver: slack } = await endpoint(api, 'slack')
    const { receiver: webhook } = await endpoint(api, 'webhook')
    const templates = [undefined, '{{ data.name }}']
    for (const template of templates) {
      const parts = {
        email: { subject: template, text: template },
        slack: { text: template },
        webhook: { body: template },
      }
      if (template) await api.post('/templates', { name: 'T', eventTypes: ['aml.*'], parts }).expect(201)
      const { deliveries } = await happen(api, { name })
      expect(deliveries.map(({ status }) => status)).toEqual(['delivered', 'delivered', 'delivered'])
    }
    for (const { text } of mails) expect(text).toContain('Zo\uFFFD')
    expect(mails.at(-1)?.subject).toBe('Zo\uFFFD')
    for (const { body } of slack.received) {
      expect(body).toContain('Zo\uFFFD')
      expect(body).not.toContain('\\ud83d')
    }
    for (const { body } of webhook.received) expect(body).toContain('"Zo\\ud83d"')
  })
})

describe('a message says why it was sent', () => {
  const data = { matchedName: 'Zoë Ångström', riskLevel: 'high' }
  const unsubscribed = { subscription: { eventTypes: ['never'] }, delivery: { schedule: ['0s'] } }
  const bodyOf = ({ body }: { body: string }) => body
  const firstLine = (mail?: { text?: string | undefined }) => mail?.text?.split('\n')[0]

  it('by whom, and by when to acknowledge; then that nobody did, and which destination failed', async () => {
    const { api } = await makeTenant(stack)
    const first = await mailbox(api, 'Analysts', unsubscribed)
    const head = await mailbox(api, 'Head of compliance', unsubscribed)
    const { id: broken, receiver } = await endpoint(api, 'webhook', 'Case system', unsubscribed)
    receiver.answer(status(500))
    const { id: chat, receiver: slack } = await endpoint(api, 'slack', 'Chat', unsubscribed)
    const steps = [
      { deliver: { to: [broken], onFailure: [{ deliver: { to: [chat] } }] } },
      { deliver: { to: [first.id] } },
      { awaitAck: { within: '1s', otherwise: [{ deliver: { to: [head.id] } }] } },
    ]
    const when = { events: ['aml.match.found'] }
    await api.post('/rules', { name: 'High-risk AML match', when, steps }).expect(201)
    await happen(api, data)

    const title = 'AML match: Zoë Ångström, high risk (sandbox)'
    expect(first.mails[0]?.subject).toBe(title)
    expect(first.mails[0]?.text).toMatch(/\nAcknowledge by 20\d\d-\d\d-\d\d \d\d:\d\d UTC: http/)
    expect(first.mails[0]?.text).toContain('\nTenant: Acme\nRule: High-risk AML match\n')
    expect(head.mails[0]?.subject).toBe(`Escalated: ${title}`)
    expect(head.mails[0]?.text).toContain('\nEscalated: not acknowledged within 1 s\n')
    const [fallback = ''] = slack.received.map(bodyOf)
    expect(fallback).toContain('Fallback: Case system failed with HTTP 500')
    expect(fallback).toContain('Rule: High-risk AML match · Acme · sandbox')
    expect(fallback.indexOf('|Acknowledge>')).toBeLessThan(fallback.indexOf('*matchedName*'))
  })

  it('to templates, which preview and test with samples of the same', async () => {
    const { api } = await makeTenant(stack)
    const { id, mails } = await mailbox(api)
    const text = '{{ tenant.name }}|{{ rule.name }}|{{ reason }}|{{ acknowledgeBy | date: "%Y" }}'
    const parts = { email: { subject: '{{ title }}', text } }
    await api.post('/templates', { name: 'T', eventTypes: ['aml.*'], parts }).expect(201)
    const made = /^Acme\|Sample rule\|escalated: not acknowledged within 15 min \(sample\)\|20\d\d$/
    const { body } = await api
      .post('/templates/preview', { parts, event: { type: 'aml.match.found', data } })
      .expect(200)
    expect(body).toMatchObject({
      channels: {
        email: {
          text: expect.stringMatching(made) as string,
          subject: 'AML match: Zoë Ångström, high risk (sandbox)',
        },
      },
      absent: [],
    })
    await api.post(`/destinations/${id}/test`, { eventType: 'aml.match.found', data }).expect(200)
    expect(firstLine(mails[0])).toMatch(made)
    expect(mails[0]?.subject).toBe('Test: AML match: Zoë Ångström, high risk (sandbox)')
    await happen(api, data)
    expect(firstLine(mails[1])).toBe('Acme|||')
  })
})

describe('the title of an event type', () => {
  const title = '{{ data.who }}: {{ data.level }}'

  it('titles its messages, unless the event does not have what it prints', async () => {
    const { api } = await makeTenant(stack)
    const { mails } = await mailbox(api)
    const { body } = await api.post('/event-types', { type: 'aml.match.found', title }).expect(201)
    expect(body).toMatchObject({ title })
    await happen(api, { who: 'Zoë\nBcc: x', level: 'high' })
    await happen(api, { who: 'Zoë' })
    await api.patch('/event-types/aml.match.found', { title: null }).expect(200)
    await happen(api, { who: 'Zoë', level: 'high' })
    expect(mails.map(({ subject }) => subject)).toEqual([
      'Zoë Bcc: x: high (sandbox)',
      'AML match found (sandbox)',
      'AML match found (sandbox)',
    ])
  })

  it('must be Liquid, and fit the sample', async () => {
    const { api } = await makeTenant(stack)
    const refused = async (body: object) =>
      ((await api.post('/event-types', { type: 'a', ...body }).expect(422)).body as { errors: unknown })
        .errors
    expect(await refused({ title: '{{ data.who' })).toEqual([
      { path: 'title', message: expect.stringMatching(/^is not valid Liquid: /) as string },
    ])
    expect(await refused({ title, sample: { who: 'Zoë' } })).toEqual([
      { path: 'title', message: 'uses variables that the sample does not have: data.level' },
    ])
    await api.post('/event-types', { type: 'a', title, sample: { who: 'Zoë', level: 1 } }).expect(201)
    await api.post('/event-types/presets', { preset: 'smart-kyc' }).expect(200)
    const { body } = await api.get('/event-types/aml.match.found').expect(200)
    expect(body).toMatchObject({
      source: 'own',
      title: 'AML match: {{ data.matchedName }}, {{ data.riskLevel }} risk',
    })
  })
})
