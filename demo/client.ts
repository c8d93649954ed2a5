import { z } from 'zod'
import { DemoError } from './settings.ts'

const requestTimeoutMs = 10_000

const problem = z.object({ detail: z.string() })

export interface Client {
  post<Shape extends z.ZodType>(path: string, body: object, shape: Shape): Promise<z.output<Shape>>
  get<Shape extends z.ZodType>(path: string, shape: Shape): Promise<z.output<Shape>>
}

/** `GET /events/{id}`, as far as the demo reads it. */
export const eventLog = z.object({
  status: z.string(),
  reason: z.string().optional(),
  deliveries: z.array(
    z.object({
      destinationId: z.string(),
      status: z.string(),
      reason: z.string().optional(),
      nextAttemptAt: z.string().optional(),
      attempts: z.array(
        z.object({
          number: z.int(),
          at: z.string(),
          outcome: z.string(),
          responseCode: z.int().optional(),
          durationMs: z.int(),
          error: z.string().optional(),
        }),
      ),
    }),
  ),
  routing: z.array(z.object({ destinationId: z.string(), matched: z.boolean(), reason: z.string() })),
  temporalUrl: z.string().optional(),
})
export type EventLog = z.output<typeof eventLog>

/** The API as the holder of this key sees it. `refusedKey` is what to say when the key is not taken. */
export function connect(url: string, key: string, refusedKey = 'Switchyard does not take the key.'): Client {
  async function call<Shape extends z.ZodType>(method: string, path: string, shape: Shape, body?: object) {
    const { status, text } = await exchange(url, `/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    })
    if (status === 401 || status === 403) throw new DemoError(refusedKey)
    if (status >= 400)
      throw new DemoError(`Switchyard answered ${status} to ${method} ${path}: ${detailOf(text)}`)
    const parsed = shape.safeParse(parseJson(text))
    if (!parsed.success)
      throw new DemoError(`Switchyard answered ${method} ${path} with something else: ${text.slice(0, 200)}`)
    return parsed.data
  }
  return {
    post: (path, body, shape) => call('POST', path, shape, body),
    get: (path, shape) => call('GET', path, shape),
  }
}

/** Makes sure that it is Switchyard that answers there, and that it is well. */
export async function requireSwitchyard(url: string): Promise<void> {
  const { status, text } = await exchange(url, '/healthz', {})
  if (status === 200 && z.object({ status: z.literal('ok') }).safeParse(parseJson(text)).success) return
  if (status >= 500) throw new DemoError(`Switchyard at ${url} is not well (${status}): ${detailOf(text)}`)
  throw new DemoError(
    `Something answers at ${url}, but it is not Switchyard. Where is it? Say so with SWITCHYARD_URL=…`,
  )
}

async function exchange(
  url: string,
  path: string,
  init: RequestInit,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url + path, { ...init, signal: AbortSignal.timeout(requestTimeoutMs) })
    return { status: response.status, text: await response.text() }
  } catch (cause) {
    if ((cause as Error).name === 'TimeoutError') {
      throw new DemoError(`Switchyard at ${url} did not answer within ${requestTimeoutMs / 1000} s.`, {
        cause,
      })
    }
    throw new DemoError(
      `Switchyard cannot be reached at ${url}: start it with \`npm start\` in another terminal, or say where it is with SWITCHYARD_URL=…`,
      { cause },
    )
  }
}

function detailOf(text: string): string {
  const parsed = problem.safeParse(parseJson(text))
  return parsed.success ? parsed.data.detail : text.slice(0, 200)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
