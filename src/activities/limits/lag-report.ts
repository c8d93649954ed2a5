import { randomUUID } from 'node:crypto'
import { reportTenantLag } from '../../db/limits/tenant-lag.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Lag } from './lag.ts'

const everyMs = 1_000
const maxLogged = 10

/** Reports once a second which tenants make this worker late. Returns the function that stops it. */
export function startLagReport({
  lag,
  db,
  log,
}: Pick<ActivityDeps, 'db' | 'log'> & { lag: Lag }): () => Promise<void> {
  const worker = randomUUID()
  let reporting: Promise<void> | undefined
  let isReported = false

  async function report(): Promise<void> {
    lag.tick()
    const causes = lag.causes()
    if (causes.length === 0 && !isReported) return
    try {
      await reportTenantLag(db, worker, causes)
      if (!isReported) log.warn({ causes: causes.slice(0, maxLogged) }, 'workers.late')
      else if (causes.length === 0) log.info('workers.caught-up')
      isReported = causes.length > 0
    } catch (err) {
      log.warn({ err }, 'lag.not-reported')
    }
  }

  const timer = setInterval(() => {
    reporting ??= report().finally(() => (reporting = undefined))
  }, everyMs)
  return async () => {
    clearInterval(timer)
    await reporting
    if (isReported) await reportTenantLag(db, worker, []).catch(() => undefined)
  }
}
