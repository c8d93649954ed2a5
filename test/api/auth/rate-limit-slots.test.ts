import { describe, it } from 'vitest'
import type { Receiver } from '../../support/servers/receiver.ts'
import { makeWebhook, post } from '../../support/workflows/rules.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { eventually, makeTenant, settledLog } from '../../support/stack.ts'

const stack = sharedStack()

const ids = (count: number) => Array.from({ length: count }, (_, index) => `e${index + 1}`)

describe('only what is accepted has a slot in a rate limit', { timeout: 60_000 }, () => {
  const arrived = ({ receiver }: { receiver: Receiver }) =>
    receiver.received.map(({ headers }) => String(headers['webhook-id']))

  const arrives = (webhook: { receiver: Receiver }, id: string, withinMs: number) =>
    eventually(
      () => Promise.resolve(arrived(webhook)),
      (all) => all.includes(id),
      withinMs,
    )

  it.each([
    [
      'one after the other',
      async (posts: (() => Promise<unknown>)[]) => {
        for (const send of posts) await send()
      },
    ],
    ['all at once', (posts: (() => Promise<unknown>)[]) => Promise.all(posts.map((send) => send()))],
  ])('not duplicates and conflicts, %s', async (_what, sendAll) => {
    const { api } = await makeTenant(stack)
    const webhook = await makeWebhook(api, undefined, { maxPerSecond: 1 }, ['all'])
    const again = Array.from({ length: 31 }, (_, index) => () => {
      const data = { differs: index % 3 === 0 ? 'this' : 'that' }
      return api.post('/events', { id: 'same', type: 'aml.match.found', data })
    })
    await sendAll(again)
    await post(api, { id: 'other' })
    await arrives(webhook, 'other', 6_000)
  })

  it('nor events that are cancelled before their attempt', async () => {
    const { api } = await makeTenant(stack)
    const webhook = await makeWebhook(api, undefined, { maxPerSecond: 0.2 }, ['all'])
    for (const id of ids(6)) await post(api, { id })
    for (const id of ['e2', 'e3', 'e4', 'e5', 'e6']) {
      await api.post(`/events/${id}/cancel`).expect(202)
      await settledLog(api, id)
    }
    await eventually(
      () => stack.db.pace.findUniqueOrThrow({ where: { destinationId: webhook.id } }),
      ({ taken }) => taken === 1,
    )
    await post(api, { id: 'other' })
    await arrives(webhook, 'other', 15_000)
  })
})
