import { createServer, type AddressInfo } from 'node:net'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createEgress } from '../../src/egress/egress.ts'
import { webhook } from '../../src/channels/webhook.ts'
import { eventBody } from '../../src/api/events/fields.ts'
import { wireFormatNames } from '../../src/domain/wire-formats/index.ts'
import { makeEvent } from '../support/event.ts'
import { ofFile } from '../support/stack.ts'

/** A server that keeps the bytes of each request's head, and answers. No HTTP parser is between what was sent and what is read. */
const raw = ofFile(async () => {
  let bytes = ''
  const heads: string[] = []
  const server = createServer((socket) => {
    bytes = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.toString('latin1')
      const end = bytes.indexOf('\r\n\r\n')
      const length = Number(/^content-length: (\d+)$/im.exec(bytes.slice(0, end))?.[1])
      if (end < 0 || bytes.length < end + 4 + length) return
      heads.push(bytes.slice(0, end))
      bytes = ''
      socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const egress = createEgress({ allow: [], sandboxLoopback: true })
  return {
    heads,
    egress,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    async stop() {
      await egress.close()
      await new Promise((resolve) => server.close(resolve))
    },
  }
})

const evil = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '\u2028',
  '\u2029',
  '\u0085',
  '\u010a',
  '\u010d',
  'Zoë',
  '漢',
  ': ',
  'X-Evil: 1',
  '\r\nX-Evil: 1',
  ' ',
  '\t',
  'a',
]
const text = fc
  .array(fc.oneof(fc.constantFrom(...evil), fc.string({ maxLength: 4 })), { maxLength: 5 })
  .map((parts) => parts.join(''))
const name = fc.oneof(text, fc.constantFrom('X-Team', 'X-A', 'x_b', 'Webhook-Id', 'Host'))

/** The names of a head's header lines, as a receiver's parser cuts them: at every line break that any parser takes for one. */
function namesIn(head: string): string[] {
  return head
    .split(/\r\n|\n|\r/)
    .slice(1)
    .map((line) => line.slice(0, line.indexOf(':')).toLowerCase())
}

it('what a tenant’s headers hold is refused when it is configured, or sent as it stands: no header comes of it that was not asked for', { timeout: 120_000 }, async () => {
  const seen = { accepted: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, text, { maxKeys: 3 }), fc.constantFrom(...wireFormatNames), async (headers, wireFormat) => {
      const parsed = webhook.config.safeParse({ url: raw.url, wireFormat, headers })
      if (!parsed.success) return void seen.refused++
      seen.accepted++
      await send(parsed.data)
      const head = raw.heads.at(-1) ?? ''
      const names = namesIn(head)
      for (const [given, value] of Object.entries(headers)) {
        expect(names.filter((one) => one === given.toLowerCase())).toHaveLength(1)
        expect(head.toLowerCase()).toContain(`${given}: ${value}`.toLowerCase().trim())
      }
      const own = Object.keys(headers).map((given) => given.toLowerCase())
      expect(names.filter((one) => !own.includes(one)).every((one) => ours.test(one))).toBe(true)
      expect(head).not.toMatch(/[^\t\r\n\x20-\x7E]/)
    }),
    { numRuns: 300 },
  )
  expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(20)
}) // prettier-ignore

const ours =
  /^(host|connection|content-type|content-length|user-agent|idempotency-key|webhook-(id|timestamp|signature)|x-webhook-(id|timestamp|signature)|x-smartkyc-[a-z-]+|ce-[a-z]+|x-[a-z-]*(signature|event|delivery|timestamp|id)|switchyard-[a-z-]+|accept|accept-encoding|date|transfer-encoding)$/

it('an event’s id and type, which are headers, are refused when it is posted, or hold nothing that a header cannot', () => {
  fc.assert(
    fc.property(fc.oneof(text, fc.string()), (given) => {
      const asId = eventBody.safeParse({ id: given, type: 'a.b', data: {} })
      const asType = eventBody.safeParse({ type: given, data: {} })
      if (asId.success) expect(given).toMatch(/^[A-Za-z0-9_:-]+$/)
      if (asType.success) expect(given).toMatch(/^[A-Za-z0-9_.-]+$/)
    }),
    { numRuns: 2000 },
  )
})

it('one that came by another way all the same is not sent: Node’s HTTP client refuses it, and nothing reaches the receiver', async () => {
  for (const id of ['evt_1\r\nX-Evil: 1', 'evt_1\n', 'evt_\0', 'evt_\u010aX']) {
    const before = raw.heads.length
    const outcome = await send(webhook.config.parse({ url: raw.url }), id)
    expect(outcome.kind).toBe('failed')
    expect(raw.heads).toHaveLength(before)
  }
})

it('what an event holds, and what a template makes of it, stands in the body alone', async () => {
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom(...wireFormatNames), async (value, wireFormat) => {
      const config = webhook.config.parse({ url: raw.url, wireFormat })
      const event = makeEvent({ data: { value } })
      await sendEvent(config, event, { body: JSON.stringify({ made: value }) })
      await sendEvent(config, event)
      for (const head of raw.heads.slice(-2)) expect(namesIn(head).every((one) => ours.test(one))).toBe(true)
    }),
    { numRuns: 60 },
  )
}, 60_000)

type Config = ReturnType<typeof webhook.config.parse>

function send(config: Config, id = 'evt_1') {
  return sendEvent(config, makeEvent({ id }))
}

function sendEvent(config: Config, event = makeEvent(), content?: { body: string }) {
  const keys = { secrets: [`whsec_${Buffer.alloc(24).toString('base64')}`] }
  const destination = { id: 'dst_1', name: 'x', config, eventTypes: ['all'], keys }
  const message = { event, destination, attempt: 1, sentAt: new Date(), timeoutMs: 5000, content }
  return webhook.send(message, { egress: raw.egress })
}
