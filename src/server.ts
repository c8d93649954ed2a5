import { firstPlatformKey, openAdmission, openProduction } from './compose.ts'
import { createApiMetrics } from './metrics/api.ts'
import { runRoot } from './lifecycle.ts'
import { serveApi } from './serve-api.ts'

/** `npm run api`: the API alone, against services that run elsewhere. Scale it by running more of it. */
await runRoot(async (lifecycle) => {
  const platform = await openProduction(lifecycle)
  const temporalUiUrl = platform.config.TEMPORAL_UI_URL
  const eagerStart = false
  const metrics = createApiMetrics(platform.exposition)
  const admission = openAdmission(platform, { eagerStart, metrics })
  const drainMs = platform.config.DRAIN_SECONDS * 1000
  const options = { eagerStart, admission, metrics, temporalUiUrl, sharesLimits: true, drainMs }
  const url = await serveApi(platform, options, lifecycle)
  const key = await firstPlatformKey(platform)
  console.log(['ready', `api=${url}`, `docs=${url}/docs`, ...(key ? [`platform-key=${key}`] : [])].join('  '))
})
