import { collectDefaultMetrics } from 'prom-client'
import type { Config } from './config.ts'
import type { Lifecycle } from './lifecycle.ts'
import { listen } from './embedded/ports.ts'
import type { Log } from './log.ts'
import type { Exposition } from './metrics/exposition.ts'
import { createMetricsServer } from './metrics/server.ts'

/** Serves the process's metrics on a port of their own if `METRICS_PORT` is set. */
export async function serveMetrics(
  { METRICS_PORT: port, METRICS_HOST: host }: Pick<Config, 'METRICS_PORT' | 'METRICS_HOST'>,
  exposition: Exposition,
  log: Log,
  lifecycle: Lifecycle,
): Promise<void> {
  if (port === undefined) return
  collectDefaultMetrics({ register: exposition.registry })
  const server = createMetricsServer(exposition, log)
  await listen(server, { host, port, name: 'metrics', variable: 'METRICS_PORT' })
  lifecycle.add('the metrics', () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
}
