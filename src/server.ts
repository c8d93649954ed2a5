import { firstPlatformKey, openPlatform, serveApi, startLog } from './compose.ts'
import { readConfig, requireVariables } from './config.ts'
import { runRoot } from './lifecycle.ts'

/** `npm run api`: the API alone, against services that run elsewhere. Scale it by running more of it. */
await runRoot(async (lifecycle) => {
  const config = requireVariables(readConfig(), ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'SECRET_KEYS'])
  const log = startLog(config)
  const services = {
    databaseUrl: config.DATABASE_URL,
    temporalAddress: config.TEMPORAL_ADDRESS,
    secretKeys: config.SECRET_KEYS,
    smtpUrl: config.SMTP_URL,
    sandboxLoopback: false,
  }
  const platform = await openPlatform(config, services, log, lifecycle)
  const url = await serveApi(
    platform,
    { eagerStart: false, temporalUiUrl: config.TEMPORAL_UI_URL },
    lifecycle,
  )
  const key = await firstPlatformKey(platform)
  console.log(['ready', `api=${url}`, `docs=${url}/docs`, ...(key ? [`platform-key=${key}`] : [])].join('  '))
})
