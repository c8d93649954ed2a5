import { readConfig, requireVariables, temporalSettings } from '../config.ts'
import { isDay } from '../domain/days.ts'
import { runRoot } from '../lifecycle.ts'
import { connectTemporal } from '../temporal/connect.ts'
import { rollUpByHandId, rollUpDaysType, type RollUpInput } from '../workflows/contract/roll-up.ts'
import { taskQueue } from '../workflows/contract/task-queues.ts'

/**
 * `npm run roll-up -- 2026-11-20 …`: has a worker roll up the due days and the given ones again, as the daily schedule does.
 * Waits until it is done; interrupting the command does not stop the work.
 */
await runRoot(async (lifecycle) => {
  const days = process.argv.slice(2)
  const wrong = days.find((day) => !isDay(day))
  if (wrong !== undefined) throw new Error(`"${wrong}" is not a valid day: use YYYY-MM-DD (UTC).`)
  const config = requireVariables(readConfig(), ['TEMPORAL_ADDRESS'])
  const { connection, client } = await connectTemporal(temporalSettings(config, config.TEMPORAL_ADDRESS))
  lifecycle.add('the Temporal connection', () => connection.close())
  const input: RollUpInput = { days }
  const result: unknown = await client.workflow.execute(rollUpDaysType, {
    workflowId: rollUpByHandId,
    taskQueue,
    args: [input],
  })
  console.log(JSON.stringify(result, null, 2))
  await lifecycle.stop()
  process.exit(0)
})
