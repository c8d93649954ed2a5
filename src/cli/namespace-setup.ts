import { readConfig, requireVariables, temporalSettings } from '../config.ts'
import { runRoot } from '../lifecycle.ts'
import { connectTemporal } from '../temporal/connect.ts'
import { prepareNamespace } from '../temporal/namespace.ts'

/**
 * `npm run namespace:setup`: registers the search attributes on the namespace of a production Temporal server. Leaves the
 * namespace's retention to its operator unless `-- --retention` asks for our 30 days.
 */
await runRoot(async (lifecycle) => {
  const config = requireVariables(readConfig(), ['TEMPORAL_ADDRESS'])
  const { connection, client } = await connectTemporal(temporalSettings(config, config.TEMPORAL_ADDRESS))
  lifecycle.add('the Temporal connection', () => connection.close())
  const changed = await prepareNamespace(client, { setRetention: process.argv.includes('--retention') })
  console.log(
    `Namespace "${config.TEMPORAL_NAMESPACE}" is ready. Changed: ${changed.join(', ') || 'nothing'}.`,
  )
  await lifecycle.stop()
  process.exit(0)
})
