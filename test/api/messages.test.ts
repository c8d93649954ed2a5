import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/event.ts'
import { startReceiver } from '../support/receiver.ts'
import { startSmtpReceiver } from '../support/smtp-receiver.ts'
import { makeTenant, settledLog, stackOfFile, untilTestEnds, type Api } from '../support/stack.ts'

const stack = stackOfFile()

const subscription = { eventTypes: ['aml.*'] }

async function mailbox(api: Api, name = 'Mail', more: object = { subscription }) {
  const receiver = untilTestEnds(await startSmtpReceiver())
  const config = { to: ['a@x.io'], from: 'b@x.io', smtpUrl: `smtp://127.0.0.1:${receiver.port}` }
  const { body } = await api.post('/destinations', { name, channel: 'email', config, ...more }).expect(201)
  return { id: (body as { id: string }).id, mails: receiver.mails }
}

async function endpoint(api: Api, channel: 'slack' | 'webhook', name: string = channel, more: object = { subscription }) {
  const receiver = untilTestEnds(await startReceiver())
  const config = channel === 'slack' ? { webhookUrl: receiver.url } : { url: receiver.url }
  const { body } = await api.post('/destinations', { name, channel, config, ...more }).expect(201)
  return { id: (body as { id: string }).id, receiver }
} // prettier-ignore

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
