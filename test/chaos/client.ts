import { setTimeout as sleep } from 'node:timers/promises'

export interface Client {
  /** One call, sent again until it is answered with something other than a refusal for now. Throws a `CallError` otherwise. */
  call<Answer>(method: string, path: string, body?: object, options?: CallOptions): Promise<Answer>
}

interface CallOptions {
  headers?: Record<string, string>
  /** Called for each response and each lost connection. */
  onTry?: (status: number | 'lost', tookMs: number) => void
}

/** A 4xx other than 429: sending the call again would not help. */
export class CallError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

const timeoutMs = 30_000
/** A lost connection, where nothing says when to try again. */
const pauseMs = 250
const longestPauseMs = 5_000

/** A platform behind a load balancer: each try goes to the next API. Paths are below /api/v1. */
export function openClient(urls: string[], key: string): Client {
  let turn = 0

  async function send(
    method: string,
    path: string,
    body: object | undefined,
    headers: Record<string, string>,
  ) {
    const url = `${urls[turn++ % urls.length]}/api/v1${path}`
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    })
    return { response, text: await response.text() }
  }

  return {
    async call<Answer>(
      method: string,
      path: string,
      body?: object,
      { headers = {}, onTry }: CallOptions = {},
    ) {
      for (;;) {
        const startedAt = performance.now()
        const sent = await send(method, path, body, headers).catch(() => undefined)
        onTry?.(sent?.response.status ?? 'lost', performance.now() - startedAt)
        if (sent?.response.ok) return JSON.parse(sent.text) as Answer
        const status = sent?.response.status
        if (status !== undefined && status !== 429 && status < 500)
          throw new CallError(status, `${method} ${path} answered ${status}: ${sent?.text}`)
        const seconds = Number(sent?.response.headers.get('retry-after') ?? 0)
        await sleep(Math.min(longestPauseMs, Math.max(pauseMs, seconds * 1000)))
      }
    },
  }
}
