import express, { type ErrorRequestHandler, type Express } from 'express'
import { acknowledgePages } from './links/acknowledge-page.ts'
import { apiSecretRoutes } from './tenants/api-secret.ts'
import { auditRoutes } from './audit/routes.ts'
import { dataspikeBasePath, dataspikeRoutes } from './compat/dataspike.ts'
import { tenantSettingsRoutes } from './compat/tenant-settings.ts'
import { webhookLogRoutes } from './compat/webhooks-api/log-routes.ts'
import { webhookTestRoutes } from './compat/webhooks-api/test-routes.ts'
import { webhookRoutes } from './compat/webhooks-api/routes.ts'
import { codecServer } from './codec/server.ts'
import { configurationRoutes } from './configuration/routes.ts'
import { deliveryRoutes } from './events/delivery-routes.ts'
import { destinationSecretRoutes } from './destinations/secret-routes.ts'
import { destinationStatsRoutes } from './stats/routes.ts'
import { destinationTestRoutes } from './destinations/test-routes.ts'
import { destinationRoutes } from './destinations/routes.ts'
import { docsRouter } from './openapi/docs.ts'
import { erasureRoutes } from './events/erasure-routes.ts'
import { healthRoutes } from './health/routes.ts'
import { emailLinkPages } from './links/email-pages.ts'
import { emailRecipientRoutes } from './recipients/routes.ts'
import { eventActionRoutes } from './events/action-routes.ts'
import { eventTypeRoutes } from './event-types/routes.ts'
import { eventRoutes } from './events/routes.ts'
import { atBase, countRequests } from './http/count-requests.ts'
import { crossOrigin, noSuchRoute, refuseOtherMethods, secureHeaders } from './http/hardening.ts'
import { createKeyGuesses } from './auth/key-guesses.ts'
import { keyRoutes } from './keys/routes.ts'
import { mount } from './http/mount.ts'
import { ownKeyRoutes } from './keys/own-routes.ts'
import { platformKeyRoutes } from './keys/platform-routes.ts'
import { type RouteTable, basePath } from './http/route.ts'
import { replayRoutes } from './replays/routes.ts'
import { rulePreviewRoutes } from './rules/preview.ts'
import { ruleRoutes } from './rules/routes.ts'
import { asApiError, logFault } from './http/service-fault.ts'
import { templateRoutes } from './templates/routes.ts'
import { tenantDeletionRoutes } from './tenants/deletions.ts'
import { tenantRoutes } from './tenants/routes.ts'
import type { AppDeps } from './deps.ts'

/** All routes below their base paths. The router mounts this table, and OpenAPI describes it. */
export const routes: RouteTable = {
  [basePath]: [
    ...tenantRoutes,
    ...tenantDeletionRoutes,
    ...keyRoutes,
    ...ownKeyRoutes,
    ...platformKeyRoutes,
    ...destinationRoutes,
    ...destinationTestRoutes,
    ...destinationStatsRoutes,
    ...destinationSecretRoutes,
    ...emailRecipientRoutes,
    ...eventRoutes,
    ...eventActionRoutes,
    ...erasureRoutes,
    ...deliveryRoutes,
    ...replayRoutes,
    // `preview` must come before the route with a rule's id.
    ...rulePreviewRoutes,
    ...ruleRoutes,
    ...eventTypeRoutes,
    ...templateRoutes,
    ...configurationRoutes,
    ...apiSecretRoutes,
    ...auditRoutes,
    // Routes of the adopted contracts. `test` and `logs` must come before the routes with a webhook's id.
    ...webhookTestRoutes,
    ...webhookLogRoutes,
    ...webhookRoutes,
    ...tenantSettingsRoutes,
  ],
  [dataspikeBasePath]: dataspikeRoutes,
}

export function createApp(deps: AppDeps): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('query parser', 'simple')
  app.set('trust proxy', deps.trustProxy ?? false)
  app.use(countRequests(deps.metrics))
  app.use(secureHeaders(deps))

  app.use(healthRoutes(deps))
  app.use(docsRouter(routes))
  app.use(acknowledgePages(deps))
  app.use(emailLinkPages(deps))
  app.use(codecServer(deps))
  const refuseGuess = createKeyGuesses()
  for (const [base, list] of Object.entries(routes)) {
    const router = express.Router()
    router.use(atBase(base))
    if (deps.corsOrigins) router.use(crossOrigin(deps.corsOrigins))
    router.use(refuseOtherMethods)
    for (const route of list) mount(router, route, deps, refuseGuess)
    app.use(base, router)
  }
  app.use(() => {
    throw noSuchRoute()
  })
  app.use(errorHandler(deps))
  return app
}

/** Renders every error of the API. */
function errorHandler({ log }: AppDeps): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    const known = asApiError(error)
    logFault(log, request, known)
    response.status(known.status).set(known.headers).type('application/problem+json')
    response.send(JSON.stringify(known.toProblem()))
  }
}
