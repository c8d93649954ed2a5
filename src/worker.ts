import { openPlatform, runWorkers, startLog } from './compose.ts'
import { readConfig, requireVariables } from './config.ts'
import { runRoot } from './lifecycle.ts'

/** `npm run worker`: the workers alone, against services that run elsewhere. Scale it by running more of it. */
await runRoot(async (lifecycle, fail) => {
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
  await runWorkers(platform, config.SMTP_URL, lifecycle, fail)
  console.log('ready  worker')
})
