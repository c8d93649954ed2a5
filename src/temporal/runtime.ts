import { makeTelemetryFilterString, Runtime, type Logger, type LogLevel } from '@temporalio/worker'
import type { Log } from '../log.ts'
import { writeSdkLine } from './sdk-log.ts'

/**
 * Sends the SDK's log to ours and leaves signals to us: by default the SDK would stop its workers on Ctrl-C before the API has
 * stopped accepting events. Call once per process, before the first connection. `metricsAddress` is `host:port`, where the SDK
 * serves its metrics to this process.
 */
export function installTemporalRuntime(log: Log, { metricsAddress }: { metricsAddress?: string } = {}): void {
  const write = (level: LogLevel, message: string, meta?: Record<string, unknown>) =>
    writeSdkLine(log, level, message, meta)
  const logger: Logger = {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  }
  const filter = makeTelemetryFilterString({ core: 'WARN' })
  const metrics =
    metricsAddress === undefined
      ? undefined
      : { attachServiceName: false, prometheus: { ...names, bindAddress: metricsAddress } }
  Runtime.install({
    logger,
    shutdownSignals: [],
    telemetryOptions: { logging: { filter, forward: {} }, metrics },
  })
}

/** Names as Prometheus's conventions have them. */
const names = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true }
