import { defaultPayloadConverter } from '@temporalio/common'
import { expect, it } from 'vitest'
import { startReceiver, statuses } from '../support/servers/receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { makeTenant, settledLog, untilTestEnds } from '../support/stack.ts'

const stack = sharedStack()
const secret = 'Jane Passport'

it('Temporal’s UI tells what an event does, and shows failed attempts as failed', async () => {
  const { api, id: tenantId } = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(statuses(500, 500, 200)))
  const destination = {
    name: 'Case | system',
    channel: 'webhook',
    config: { url: receiver.url },
    subscription: { eventTypes: ['all'] },
    delivery: { schedule: ['0s', '100ms', '100ms'] },
  }
  await api.post('/destinations', destination).expect(201)
  await api.post('/events', { id: 'traced', type: 'aml.match.found', data: { name: secret } }).expect(202)
  await settledLog(api, 'traced')

  const handle = stack.temporal.workflow.getHandle(`${tenantId}/sandbox/traced`)
  const described = await handle.describe()
  expect(await described.staticSummary()).toBe('aml.match.found (sandbox)')
  expect(await described.staticDetails()).toContain('- Event: `traced`')
  const { events } = await handle.fetchHistory()
  const summaries = (events ?? []).flatMap(({ userMetadata }) =>
    userMetadata?.summary ? [defaultPayloadConverter.fromPayload<string>(userMetadata.summary)] : [],
  )
  expect(summaries).toEqual([
    'aml.match.found (sandbox)',
    'first attempt → Case | system',
    expect.stringMatching(/^retry in \d+ ms → Case \| system$/),
    'attempt 2 → Case | system',
    expect.stringMatching(/^retry in \d+ ms → Case \| system$/),
    'attempt 3 → Case | system',
  ])
  const failures = (events ?? []).flatMap((event) => {
    const failure =
      event.markerRecordedEventAttributes?.failure ?? event.activityTaskFailedEventAttributes?.failure
    return failure ? [failure.applicationFailureInfo?.type] : []
  })
  expect(failures).toEqual(['AttemptFailed', 'AttemptFailed'])
  const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')
  expect(currentDetails).toMatch(/^\*\*delivered\*\*\n\n/)
  expect(currentDetails).toContain('| Case \\| system | webhook | delivered | 3 | delivered 200 |  |')
  expect(JSON.stringify([summaries, currentDetails])).not.toContain(secret)
})
