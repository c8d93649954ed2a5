import { setTimeout as sleep } from 'node:timers/promises'

/** A load balancer that does what the documentation asks for: it sends no request to an API that is not ready. */
export interface Balancer {
  /** Returns the base URL of the API whose turn it is. */
  next(): string
  /** Resolves once the API is in rotation. */
  untilIn(url: string): Promise<void>
  stop(): Promise<void>
}

const checkEveryMs = 100

/** Takes an API out as soon as its `/readyz` answers something other than 200, or nothing, and takes it in again with the next 200. */
export function startBalancer(urls: readonly string[]): Balancer {
  const inRotation = new Set(urls)
  const stopped = new AbortController()
  let turn = 0

  async function watch(url: string): Promise<void> {
    while (!stopped.signal.aborted) {
      if (await isReady(url)) inRotation.add(url)
      else inRotation.delete(url)
      await sleep(checkEveryMs)
    }
  }

  const watching = urls.map(watch)
  return {
    next() {
      const url = [...inRotation][turn++ % Math.max(1, inRotation.size)]
      if (url === undefined) throw new Error('no API is ready')
      return url
    },
    async untilIn(url) {
      while (!inRotation.has(url)) await sleep(checkEveryMs)
    },
    async stop() {
      stopped.abort()
      await Promise.all(watching)
    },
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`)
    await response.text()
    return response.status === 200
  } catch {
    return false
  }
}
