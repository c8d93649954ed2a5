import { Router } from 'express'
import type { AppDeps } from '../deps.ts'

/** `/healthz`: this process is alive. `/readyz`: it can do its work, or which service is down. Neither needs a key. */
export function healthRoutes({ readiness }: Pick<AppDeps, 'readiness'>): Router {
  const router = Router()
  router.get('/healthz', (_request, response) => void response.json({ status: 'ok' }))
  router.get('/readyz', (_request, response) => {
    const report = readiness.report()
    response.status(report.status === 'ready' ? 200 : 503).json(report)
  })
  return router
}
