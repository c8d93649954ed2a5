import type { AddressInfo } from 'node:net'
import type { Express } from 'express'
import { Pool } from 'undici'
import { createApiServer } from '../../src/api/http/server.ts'
import { differences } from './routes/openapi.ts'

/** A request as it goes over the wire: nothing of it is encoded any more. */
export interface WireRequest {
  method: string
  /** With its query. */
  target: string
  headers: Record<string, string>
  body: Buffer | undefined
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

export interface Sender {
  origin: string
  sent(): number
  send(request: WireRequest): Promise<Answer>
  stop(): Promise<void>
}

/** Longer than the longest that a route may take on purpose: a test event waits so long for its receiver and a worker. */
const hangsAfterMs = 45_000

/** The app on a socket as the product serves it, and a client of it. A request that is not answered in time is an error. */
export async function startSender(app: Express): Promise<Sender> {
  const server = createApiServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const pool = new Pool(origin, { connections: 24, headersTimeout: hangsAfterMs, bodyTimeout: hangsAfterMs })
  let sent = 0
  return {
    origin,
    sent: () => sent,
    async send({ method, target, headers, body = null }) {
      sent++
      const signal = AbortSignal.timeout(hangsAfterMs)
      const answer = await pool.request({ method, path: target, headers, body, signal })
      const { statusCode: status, headers: answered } = answer
      const text = await answer.body.text()
      requireDocumented(method, target, { status, headers: answered, text })
      return { status, headers: answered, text }
    },
    async stop() {
      await pool.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Every answer has to be as OpenAPI describes it, except for the 304 of a conditional request (RFC 9110, section 13). */
function requireDocumented(method: string, path: string, { status, headers, text }: Answer): void {
  if (status === 304) return
  const type = headers['content-type']?.toString()
  const body = type?.includes('json') && text !== '' ? (JSON.parse(text) as unknown) : undefined
  const problems = differences({ method, path, status, type, body })
  if (problems.length > 0)
    throw new Error(`The answer is not as OpenAPI describes it:\n${problems.join('\n')}`)
}
