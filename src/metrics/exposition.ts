import { Registry } from 'prom-client'
import type { Log } from '../log.ts'

/** The metrics of one process. Only its process reads it, so tests and several apps in one process have their own. */
export interface Exposition {
  registry: Registry
  /** Calls back before each scrape, to set gauges. A gauge whose callback fails keeps its last value. */
  onScrape(refresh: () => unknown): void
  /** Returns the metrics in Prometheus's text format. */
  render(): Promise<string>
}

/** `sdkUrl` is where Temporal's SDK exports its own metrics, which are appended. */
export function createExposition({ sdkUrl, log }: { sdkUrl?: string; log: Log }): Exposition {
  const registry = new Registry()
  const refreshers: (() => unknown)[] = []

  async function orWarn<Result>(read: () => Result | Promise<Result>): Promise<Result | undefined> {
    try {
      return await read()
    } catch (err) {
      log.warn({ err }, 'metrics.incomplete')
      return undefined
    }
  }

  return {
    registry,
    onScrape: (refresh) => void refreshers.push(refresh),
    async render() {
      const [sdk = ''] = await Promise.all([
        sdkUrl === undefined ? undefined : orWarn(() => readSdkMetrics(sdkUrl)),
        ...refreshers.map((refresh) => orWarn(async () => void (await refresh()))),
      ])
      return `${await registry.metrics()}${sdk}`
    },
  }
}

const sdkTimeoutMs = 1_000

async function readSdkMetrics(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(sdkTimeoutMs) })
  if (!answer.ok) throw new Error(`Temporal's SDK answered ${answer.status} to a request for its metrics`)
  return answer.text()
}
