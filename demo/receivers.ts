import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { z } from 'zod'
import { startMailCatcher } from '../src/embedded/mail.ts'

/** What a receiver saw of one attempt. */
export interface Sighting {
  text: string
  /** Whether it was as it should be, its signature above all. */
  ok: boolean
}

export interface Receiver {
  /** What a destination is told: a URL of this machine. */
  url: string
  /** What it saw of this event, in order of arrival. */
  sightingsOf: (eventId: string) => Sighting[]
  /** The signing secret, known once the destination is made. */
  learnSecret: (secret: string) => void
  stop: () => Promise<unknown>
}

/** What was seen, found again by the event id that stands somewhere in the message. */
function openSightings() {
  const seen: (Sighting & { message: string })[] = []
  return {
    add: (message: string, sighting: Sighting) => void seen.push({ message, ...sighting }),
    of: (eventId: string): Sighting[] => seen.filter(({ message }) => message.includes(eventId)),
  }
}

export interface Answer {
  status: number
  headers?: Record<string, string>
}

/**
 * A webhook receiver that checks signatures as any receiver does, with the library of Standard Webhooks. It gives each
 * event's first attempts the answers named, in order, and accepts from then on.
 */
export async function startWebhookReceiver(...refusals: Answer[]): Promise<Receiver> {
  const sightings = openSightings()
  let webhook: Webhook | undefined

  const server = await listen((request, body) => {
    const eventId = String(request.headers['webhook-id'])
    const { status, headers = {} } = refusals[sightings.of(eventId).length] ?? { status: 200 }
    const fault = signatureFault(webhook, request, body)
    const text = fault ? `SIGNATURE INVALID: ${fault}` : `signature valid${onPurpose(status, headers)}`
    sightings.add(eventId, { text, ok: !fault })
    return { status: fault ? 401 : status, headers, body: '' }
  })
  return {
    url: `${server.url}/webhooks`,
    sightingsOf: sightings.of,
    learnSecret: (secret) => void (webhook = new Webhook(secret)),
    stop: server.stop,
  }
}

function onPurpose(status: number, headers: Record<string, string>): string {
  if (status === 200) return ''
  const wait = headers['Retry-After']
  return wait ? `, refused on purpose with Retry-After: ${wait}` : ', refused on purpose'
}

function signatureFault(
  webhook: Webhook | undefined,
  { headers }: IncomingMessage,
  body: string,
): string | undefined {
  try {
    if (!webhook) return 'the secret is not known yet'
    webhook.verify(body, headers as Record<string, string>)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const slackMessage = z.object({ text: z.string(), blocks: z.array(z.unknown()) })

/** Answers as Slack's incoming webhooks do: `ok`, or 400 and a word. */
export async function startSlackReceiver(): Promise<Receiver> {
  const sightings = openSightings()
  const server = await listen((_request, body) => {
    const message = slackMessage.safeParse(parseJson(body)).data
    if (!message) return { status: 400, body: 'invalid_payload' }
    sightings.add(body, { text: `message “${message.text}”, ${message.blocks.length} blocks`, ok: true })
    return { status: 200, body: 'ok' }
  })
  const url = `${server.url}/services/T00000000/B00000000/demo`
  return { url, sightingsOf: sightings.of, learnSecret: () => undefined, stop: server.stop }
}

/** An SMTP server that a destination names as its own. */
export async function startMailReceiver(): Promise<Receiver> {
  const sightings = openSightings()
  const server = await startMailCatcher({
    onMail: ({ subject, text }) =>
      sightings.add(`${subject}\n${text}`, { text: `mail “${subject}”`, ok: true }),
  })
  return {
    url: server.smtpUrl,
    sightingsOf: sightings.of,
    learnSecret: () => undefined,
    stop: () => server.stop(),
  }
}

interface Reply extends Answer {
  body: string
}

/** An HTTP server on a free port of loopback. */
async function listen(answer: (request: IncomingMessage, body: string) => Reply) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { status, headers, body } = answer(request, Buffer.concat(chunks).toString('utf8'))
      response.writeHead(status, headers).end(body)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
