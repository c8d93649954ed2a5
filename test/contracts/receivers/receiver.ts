import { createServer, type IncomingHttpHeaders, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it came over the wire. The body is the bytes that were sent, which is what signatures are over. */
export interface Delivery {
  headers: IncomingHttpHeaders
  /** The headers' names as they were spelled. */
  headerNames: string[]
  body: Buffer
}

/** What a tenant was given to verify with. */
export interface Keys {
  secret: string
  publicKey?: string
}

/** What a tenant's code got out of a delivery, by its contract's own field names. */
export type Reading = Record<string, unknown>

/** Verifies a delivery and takes it apart, or throws. */
export type Read = (delivery: Delivery, keys: Keys) => Reading

export interface Report {
  delivery: Delivery
  /** Only of a delivery that verified. */
  reading?: Reading
  refusal?: string
}

export interface ContractReceiver {
  url: string
  /** Set once the webhook is registered: its secret is not known before. */
  keys: Keys
  reports: Report[]
  stop(): Promise<void>
}

/** What a listener works with. */
export type Book = Pick<ContractReceiver, 'keys' | 'reports'>

/** A receiver in plain node:http: a delivery that verifies gets `accepted`, any other 401. */
export function serveHttp(read: Read, accepted: 200 | 202 | 204): Promise<ContractReceiver> {
  return serve('/hook', (book) => (request, response) => {
    void readBody(request).then((body) => {
      const report = take(read, toDelivery(request, body), book)
      response.writeHead(report.reading ? accepted : 401).end()
    })
  })
}

export async function serve(
  path: string,
  listenerOf: (book: Book) => RequestListener,
): Promise<ContractReceiver> {
  const book: Book = { keys: { secret: 'not known yet' }, reports: [] }
  const server = createServer(listenerOf(book))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(book, {
    url: `http://127.0.0.1:${port}${path}`,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

/** Reads a delivery and writes down what came of it. */
export function take(read: Read, delivery: Delivery, { keys, reports }: Book): Report {
  const report = attempt(() => read(delivery, keys), delivery)
  reports.push(report)
  return report
}

function attempt(reading: () => Reading, delivery: Delivery): Report {
  try {
    return { delivery, reading: reading() }
  } catch (error) {
    return { delivery, refusal: String(error) }
  }
}

export function toDelivery({ headers, rawHeaders }: IncomingMessage, body: Buffer): Delivery {
  return { headers, headerNames: rawHeaders.filter((_text, index) => index % 2 === 0), body }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
