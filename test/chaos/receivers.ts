import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { simpleParser } from 'mailparser'
import type { Misbehaviour } from './schedule.ts'

/** One message that reached a receiver. */
export interface Arrival {
  /** Unix ms. */
  at: number
  receiver: string
  /** The event's id; a digest's for a digest. */
  eventId: string
  /** A digest's events. */
  digested?: string[]
  /** The receiver accepted it, as far as it could tell: it answered with a status that means success. */
  accepted: boolean
  /** How the receiver misbehaved. */
  how?: Misbehaviour | 'throttle'
}

export interface Receivers {
  arrivals: Arrival[]
  httpPort: number
  smtpPort: number
  url(receiver: string): string
  /** Makes a receiver misbehave until it is called with `undefined`. */
  misbehave(receiver: string, how: Misbehaviour | 'throttle' | undefined): void
  /** The mail server refuses every message for now. */
  refuseMail(refuses: boolean): void
  /** Called for each arrival. */
  onArrival(listener: (arrival: Arrival) => void): void
  stop(): Promise<void>
}

/** Events of a run are found by this in whatever a channel makes of them. */
const idPattern = /chaos-\d+/

/** Longer than an attempt's timeout allows. */
const slowMs = 1_500

/** Webhooks, Slack and mail on loopback. They keep what they got, and what they answered. */
export async function startReceivers(): Promise<Receivers> {
  const arrivals: Arrival[] = []
  const listeners: ((arrival: Arrival) => void)[] = []
  const modes = new Map<string, Misbehaviour | 'throttle'>()
  let mailRefused = false

  function note(arrival: Arrival): void {
    arrivals.push(arrival)
    for (const listener of listeners) listener(arrival)
  }

  const http = createServer((request, response) => {
    void receive(request, response).catch(() => response.destroy())
  })

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const receiver = (request.url ?? '').slice(1)
    const message = { at: Date.now(), receiver, ...readMessage(request, body) }
    const mode = modes.get(receiver)
    const accepted = mode === undefined || mode === 'slow' || mode === 'half'
    note({ ...message, accepted, how: mode })
    await answer(response, mode)
  }

  const mail = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onData(stream, _session, done) {
      simpleParser(stream).then((parsed) => {
        const eventId = idPattern.exec(`${parsed.text}`)?.[0] ?? 'unknown'
        note({ at: Date.now(), receiver: 'mail', eventId, accepted: !mailRefused })
        done(mailRefused ? Object.assign(new Error('try again later'), { responseCode: 451 }) : null)
      }, done)
    },
  })
  mail.on('error', () => undefined) // A worker that is killed breaks off.

  await Promise.all([
    new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve)),
    new Promise<void>((resolve) => mail.listen(0, '127.0.0.1', resolve)),
  ])
  const httpPort = (http.address() as AddressInfo).port
  return {
    arrivals,
    httpPort,
    smtpPort: (mail.server.address() as AddressInfo).port,
    url: (receiver) => `http://127.0.0.1:${httpPort}/${receiver}`,
    misbehave(receiver, how) {
      if (how === undefined) modes.delete(receiver)
      else modes.set(receiver, how)
    },
    refuseMail(refuses) {
      mailRefused = refuses
    },
    onArrival: (listener) => void listeners.push(listener),
    async stop() {
      http.closeAllConnections()
      await Promise.all([
        new Promise((resolve) => http.close(resolve)),
        new Promise<void>((resolve) => mail.close(() => resolve())),
      ])
    },
  }
}

function readMessage({ headers }: IncomingMessage, body: string): Pick<Arrival, 'eventId' | 'digested'> {
  const eventId = headers['webhook-id']
  if (typeof eventId !== 'string') return { eventId: idPattern.exec(body)?.[0] ?? 'unknown' }
  const { type, data } = JSON.parse(body) as { type: string; data: { events?: { id: string }[] } }
  return type === 'digest' ? { eventId, digested: data.events?.map(({ id }) => id) } : { eventId }
}

async function answer(response: ServerResponse, mode: Misbehaviour | 'throttle' | undefined): Promise<void> {
  switch (mode) {
    case undefined:
      response.writeHead(200).end('ok')
      return
    case 'slow':
      await sleep(slowMs)
      response.writeHead(200).end('ok')
      return
    case 'hang':
      return
    case 'reset':
      response.socket?.resetAndDestroy()
      return
    case 'error':
      response.writeHead(500).end('as the schedule wants it')
      return
    case 'cut':
      response.socket?.end('HTTP/1.1 20')
      return
    case 'half':
      response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it')
      return
    case 'throttle':
      response.writeHead(429, { 'retry-after': '2' }).end()
  }
}
