import { openProduction, runWorkers } from './compose.ts'
import { runRoot } from './lifecycle.ts'

/** `npm run worker`: the workers alone, against services that run elsewhere. Scale it by running more of it. */
await runRoot(async (lifecycle, fail) => {
  const platform = await openProduction(lifecycle)
  await runWorkers(platform, platform.config.SMTP_URL, lifecycle, fail)
  console.log('ready  worker')
})
