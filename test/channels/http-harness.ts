import type { Received, Respond } from '../support/servers/receiver.ts'
import { ok, startReceiver, status } from '../support/servers/receiver.ts'
import type { ChannelHarness, ChannelServer } from './contract.ts'

/** What the suite needs of a channel that speaks HTTP; `read` takes a request apart as its receiver would. */
export function httpHarness(read: (request: Received) => { id: string; text: string }) {
  return {
    schemes: ['http', 'https'],
    async start(respond: Respond = ok): Promise<ChannelServer> {
      const receiver = await startReceiver(respond)
      return {
        port: receiver.port,
        requests: () => receiver.received.length,
        messages: () => receiver.received.map(read),
        stop: () => receiver.stop(),
      }
    },
    refusal: (text) => status(400, {}, text),
    unfinished: 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 1000\r\n\r\nplease wait',
    retryAfter: (code, value) => status(code, { 'retry-after': value }),
    redirect: (code, location) => status(code, { location }),
  } satisfies Partial<ChannelHarness<Respond>>
}
