import { expect, it } from 'vitest'
import { openTimeline, type Timeline } from '../../../../src/domain/delivery/timeline.ts'
import {
  currentDetails,
  openingSummary,
  runDetails,
  runSummary,
  waitSummary,
} from '../../../../src/domain/delivery/trace.ts'
import { makeEvent } from '../../../support/event.ts'

const secret = 'Jane Passport'

it('shows how far an event has come, and what comes next, without anything of a payload or an answer', () => {
  const timeline: Timeline = {
    ...openTimeline(),
    deliveries: [
      {
        destinationId: 'dst_1',
        channel: 'webhook',
        status: 'pending',
        reason: `ordered: an earlier event with data.name "${secret}" is not done`,
        nextAttemptAt: '2026-11-29T06:05:00.000Z',
        attempts: [
          {
            number: 1,
            at: '2026-11-29T06:00:00.000Z',
            durationMs: 12,
            outcome: 'failed',
            errorClass: 'http',
            responseCode: 500,
            error: `HTTP 500: ${secret}`,
            responseExcerpt: secret,
          },
        ],
      },
      { destinationId: 'dst_2', channel: 'email', status: 'delivered', attempts: [] },
    ],
    steps: [
      {
        path: 'rul_1/1',
        kind: 'awaitAck',
        status: 'waiting',
        reason: secret,
        at: '2026-11-29T06:00:00.000Z',
        until: '2026-11-29T06:15:00.000Z',
      },
    ],
    acknowledgement: { at: '2026-11-29T06:01:00.000Z', by: secret, via: 'link', note: secret },
  }
  const names = new Map([['dst_1', 'Case | <b>system</b>\n# x']])
  expect(currentDetails(timeline, 'pending', (id) => names.get(id) ?? id)).toBe(
    `
**pending**, acknowledged at 2026-11-29T06:01:00.000Z

| Destination | Channel | Status | Attempts | Last attempt | Next attempt |
| --- | --- | --- | --- | --- | --- |
| Case \\| \\<b\\>system\\<\\/b\\> \\# x | webhook | pending | 1 | failed http 500 | 2026-11-29T06:05:00.000Z |
| dst\\_2 | email | delivered | 0 |  |  |

| Step | Kind | Status | Until |
| --- | --- | --- | --- |
| \`rul_1/1\` | awaitAck | waiting | 2026-11-29T06:15:00.000Z |
`.trim(),
  )
})

it.each([
  [['On call'], 'first attempt → On call'],
  [['a', 'b', 'c'], 'first attempts → a, b, c'],
  [['a', 'b', 'c', 'd', 'e'], 'first attempts → a, b, c and 2 more'],
])('names the first attempts at %j', (names, summary) => {
  expect(openingSummary(names)).toBe(summary)
})

it('names waits and runs', () => {
  expect(waitSummary('retry', 300_000, 'Case system')).toBe('retry in 5 minutes → Case system')
  expect(waitSummary('next step', 1_000)).toBe('next step in 1 second')
  const event = makeEvent({ data: { name: secret } })
  expect(runSummary(event, 'replay')).toBe(`replay of ${event.type} (${event.environment})`)
  expect(runDetails(event)).toContain(`- Type: \`${event.type}\``)
  expect(runDetails(event)).not.toContain(secret)
})
