import { z } from 'zod'
import type { Client } from './client.ts'
import { startMailReceiver, startSlackReceiver, startWebhookReceiver, type Receiver } from './receivers.ts'

export type PlaceName = 'Case system' | 'Risk engine' | 'Compliance inbox' | '#aml-alerts'

/** A receiver of ours and the destination that leads to it. */
export interface Place {
  name: PlaceName
  channel: 'webhook' | 'email' | 'slack'
  receiver: Receiver
  /** What it hears of, in words. */
  hears: string
  /** What is special about it, in words. */
  note?: string
  /** The destination's fields but name and channel. */
  settings: object
}

export type Destination = Place & { id: string }

/** Starts the receivers, on free ports of loopback. */
export async function startPlaces(): Promise<Place[]> {
  const [all, flaky, mail, slack] = await Promise.all([
    startWebhookReceiver(),
    startWebhookReceiver({ status: 500 }, { status: 503, headers: { 'Retry-After': '1' } }),
    startMailReceiver(),
    startSlackReceiver(),
  ])
  return [
    {
      name: 'Case system',
      channel: 'webhook',
      receiver: all,
      hears: 'everything',
      settings: { config: { url: all.url }, subscription: { eventTypes: ['all'] } },
    },
    {
      name: 'Risk engine',
      channel: 'webhook',
      receiver: flaky,
      hears: 'aml.*, screening.*',
      note: 'refuses each event twice: 500, then 503 with Retry-After: 1',
      settings: {
        config: { url: flaky.url },
        subscription: { eventTypes: ['aml.*', 'screening.*'] },
        // The default waits 5 s, 5 min, 30 min, …: too long to watch. Retry-After lengthens the second wait to 1 s.
        delivery: { schedule: ['0s', '500ms', '500ms', '5s'] },
      },
    },
    {
      name: 'Compliance inbox',
      channel: 'email',
      receiver: mail,
      hears: 'DOCVER, submission.*',
      settings: {
        config: { to: ['compliance@bank.example'], from: 'switchyard@bank.example', smtpUrl: mail.url },
        subscription: { eventTypes: ['DOCVER', 'submission.*'] },
      },
    },
    {
      name: '#aml-alerts',
      channel: 'slack',
      receiver: slack,
      hears: 'aml.match.found, kyc.*',
      note: 'only where data.riskLevel is high or critical',
      settings: {
        config: { webhookUrl: slack.url },
        subscription: {
          eventTypes: ['aml.match.found', 'kyc.*'],
          filter: { 'data.riskLevel': { $in: ['high', 'critical'] } },
        },
      },
    },
  ]
}

const created = z.object({ id: z.string(), secret: z.string().optional() })

export async function makeDestination(api: Client, place: Place): Promise<Destination> {
  const { name, channel, settings, receiver } = place
  const { id, secret } = await api.post('/destinations', { name, channel, ...settings }, created)
  if (secret) receiver.learnSecret(secret)
  return { ...place, id }
}
