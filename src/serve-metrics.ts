import { collectDefaultMetrics } from 'prom-client'
import type { Config } from './config.ts'
import type { Lifecycle } from './lifecycle.ts'
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
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)))
    server.listen(port, host, resolve)
  })
  lifecycle.add('the metrics', () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code !== 'EADDRINUSE') return error
  return new Error(
    `Port ${port} on ${host} (metrics) is already in use: stop the process that listens on it, or set METRICS_PORT to another one`,
  )
}
