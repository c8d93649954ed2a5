import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, type WorkflowBundleWithSourceMap } from '@temporalio/worker'
import { expect, inject, it } from 'vitest'
import { canary } from '../support/run/log-leaks.ts'
import { startReceiver, status } from '../support/servers/receiver.ts'
import { makeDestination } from '../support/resources/roll-up.ts'
import {
  eventually,
  makeTenant,
  readLog,
  settledLog,
  stackOfFile,
  untilTestEnds,
  waitingLog,
  type Api,
  type EventLog,
} from '../support/stack.ts'

const stack = stackOfFile()

function pathTo(module: string): string {
  return fileURLToPath(new URL(module, import.meta.url))
}

function bundleBroken(): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    workflowsPath: pathTo('../support/workflows/broken-workflows.ts'),
    payloadConverterPath: pathTo('../../src/workflows/converters/payload-converter.ts'),
    logger: { ...console, trace() {}, debug() {}, info() {}, log() {} },
  })
}

function stuckLog(api: Api, id: string): Promise<EventLog> {
  return eventually(
    () => readLog(api, id),
    ({ stuck }) => stuck !== undefined,
  )
}

interface Alert {
  runId: string
  level: number
  cause: string
  thrownAt?: string[]
  reason?: string
}

/** The lines of this name in the logs of the run, other files' included. */
function alerts(): Alert[] {
  const folder = inject('logFolder') ?? ''
  const lines = readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
  return lines
    .filter((line) => line.includes('"workflow-task.failed"'))
    .map((line) => JSON.parse(line) as Alert)
}

it('an event whose workflow throws or does not replay says so, raises an alert, and goes on with mended code', async () => {
  const { api, id: tenantId } = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(status(500)))
  await makeDestination(api, receiver, ['0s', '1h'])
  const data = { name: canary }
  await api.post('/events', { id: 'waits', type: 'aml.match.found', data }).expect(202)
  await waitingLog(api, 'waits')
  const broken = await bundleBroken()
  const before = Date.now()
  await stack.stopWorkers()
  await stack.startWorkers(broken)
  await api.post('/events', { id: 'thrown', type: 'aml.match.thrown', data }).expect(202)
  await api.post('/events/waits/retry').expect(202)

  const [thrown, unreplayable] = [await stuckLog(api, 'thrown'), await stuckLog(api, 'waits')]
  expect(thrown).toMatchObject({ status: 'pending', stuck: { cause: 'exception' } })
  expect(unreplayable).toMatchObject({ status: 'pending', stuck: { cause: 'nondeterminism' } })
  for (const { stuck, incomplete } of [thrown, unreplayable]) {
    expect(stuck?.attempts).toBeGreaterThanOrEqual(2)
    expect(Date.parse(stuck?.since ?? '')).toBeGreaterThanOrEqual(before)
    expect(incomplete).toMatch(/stuck on an internal error/)
  }
  expect(unreplayable.deliveries).toMatchObject([{ responseCode: 500 }])

  const runIdOf = async (id: string) =>
    (await stack.temporal.workflow.getHandle(`${tenantId}/sandbox/${id}`).describe()).runId
  const [throwing, replaying] = [await runIdOf('thrown'), await runIdOf('waits')]
  const error = 50
  expect(alerts()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        runId: throwing,
        level: error,
        cause: 'exception',
        thrownAt: [expect.stringMatching(/^routeEvent \(.*broken-workflows\.ts:\d+:\d+\)$/)],
      }),
      expect.objectContaining({
        runId: replaying,
        level: error,
        cause: 'nondeterminism',
        reason: expect.stringContaining('Nondeterminism error') as string,
      }),
    ]),
  )

  receiver.answer(status(200))
  await stack.stopWorkers()
  await stack.startWorkers()
  for (const id of ['thrown', 'waits']) {
    const log = await settledLog(api, id, 40_000)
    expect(log).toMatchObject({ status: 'delivered' })
    expect(log).not.toHaveProperty('stuck')
  }
}, 90_000)
