import { describe, expect, it } from 'vitest'
import { createMailLimits } from '../../../src/db/limits/mail-limits.ts'
import {
  inboxOf,
  linkIn,
  mailsFor,
  mailsSoFar,
  platform,
  tenantWhoAsks,
} from '../../support/resources/email-consent.ts'
import { startSmtpReceiver, type Refusal } from '../../support/servers/smtp-receiver.ts'
import {
  eventually,
  makeTenant,
  ofFile,
  readLog,
  settledLog,
  startStack,
  untilTestEnds,
  waitingLog,
  type Api,
} from '../../support/stack.ts'

const smtp = ofFile(() => startSmtpReceiver())
const stack = ofFile(() =>
  startStack({ mail: { smtpUrl: `smtp://127.0.0.1:${smtp.port}`, from: 'switchyard@platform.example' } }),
)

let people = 0
const somebody = () => `p${++people}@limits.example`

async function tenantWith(emailsPerHour: number) {
  const tenant = await makeTenant(stack)
  await platform(stack).patch(`/tenants/${tenant.id}`, { limits: { emailsPerHour } }).expect(200)
  return tenant
}

async function postEvent(api: Api): Promise<string> {
  const { body } = await api.post('/events', { type: 'aml.match.found', data: {} }).expect(202)
  return (body as { id: string }).id
}

/** As if the hour were over. */
const endOfHour = (tenantId: string) =>
  stack.db.rateLimiterFlexible.updateMany({
    where: { key: `mails:${tenantId}` },
    data: { expire: new Date(Date.now() - 1) },
  })

describe('mails of a tenant by the platform’s server', () => {
  it('beyond what it may send in an hour wait, one for each recipient, and none is lost', async () => {
    const { id: tenantId, api } = await tenantWith(3)
    const [ann, bob] = [somebody(), somebody()]
    const { id } = await inboxOf(api, [ann, bob])
    const first = await postEvent(api)
    expect((await settledLog(api, first)).status).toBe('delivered')
    const second = await postEvent(api)
    const waiting = (await waitingLog(api, second)).deliveries[0]
    expect(waiting).toMatchObject({
      status: 'held',
      reason: 'email limit: at most 3 mails per hour',
      attempts: [],
    })
    const waitMs = Date.parse(waiting?.nextAttemptAt ?? '') - Date.now()
    expect(waitMs).toBeGreaterThan(3_000_000)
    expect(waitMs).toBeLessThanOrEqual(3_660_000)
    expect(mailsSoFar(smtp, ann)).toHaveLength(1)
    // Nobody waits for a test: it says so.
    const { body } = await api.post(`/destinations/${id}/test`).expect(200)
    expect(body).toMatchObject({
      delivery: { status: 'skipped', reason: 'email limit: at most 3 mails per hour' },
    })
    await endOfHour(tenantId)
    await api.post(`/events/${second}/retry`).expect(202)
    expect((await settledLog(api, second)).status).toBe('delivered')
    expect(mailsSoFar(smtp, bob)).toHaveLength(2)
  })

  it('to more people than fit into an hour take all of one', async () => {
    const { api } = await tenantWith(2)
    const to = [somebody(), somebody(), somebody()]
    await inboxOf(api, to)
    expect((await settledLog(api, await postEvent(api))).status).toBe('delivered')
    expect((await waitingLog(api, await postEvent(api))).deliveries[0]).toMatchObject({ status: 'held' })
  })

  it('are those that ask to confirm as well; those by a server of its own are not counted', async () => {
    const { api } = await tenantWhoAsks(stack, { emailsPerHour: 1 })
    const [ann, bob] = [somebody(), somebody()]
    await inboxOf(api, [ann])
    const [asked] = await mailsFor(smtp, ann)
    expect(linkIn(asked, 'confirm')).not.toBe('')
    await inboxOf(api, [bob])
    const { data } = await eventually(
      async () =>
        (await api.get('/events?type=email.confirmation&status=pending').expect(200)).body as {
          data: { id: string }[]
        },
      (list) => list.data.length > 0,
    )
    expect((await readLog(api, data[0]?.id ?? '')).deliveries[0]).toMatchObject({
      status: 'held',
      reason: 'email limit: at most 1 mail per hour',
    })
    const other = await tenantWith(1)
    const own = untilTestEnds(await startSmtpReceiver())
    const config = { from: 'alerts@tenant.example', smtpUrl: `smtp://127.0.0.1:${own.port}` }
    await inboxOf(other.api, [somebody(), somebody()], config)
    for (let events = 0; events < 3; events++)
      expect((await settledLog(other.api, await postEvent(other.api))).status).toBe('delivered')
  })

  it('are counted over all workers: never more pass at once than may', async () => {
    const { id } = await tenantWith(20)
    const [one, other] = [createMailLimits(stack.db), createMailLimits(stack.db)]
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? one : other).take(id, 1 + (index % 3))),
    )
    const sent = answers.reduce((sum, over, index) => sum + (over ? 0 : 1 + (index % 3)), 0)
    expect(sent).toBeGreaterThan(0)
    expect(sent).toBeLessThanOrEqual(20)
    // What did not fit is not counted: the rest of the hour's share is still there.
    if (sent < 20) expect(await one.take(id, 20 - sent)).toBeUndefined()
    expect(await other.take(id, 1)).toMatchObject({ perHour: 20 })
  })
})

it('a recipient whom the server could not take is tried again, and nobody else gets the mail twice', async () => {
  const [ann, bob, eve] = [somebody(), somebody(), somebody()]
  const refusal: Refusal = { at: 'recipient', code: 452, recipient: bob }
  const receiver = untilTestEnds(await startSmtpReceiver(refusal))
  const { api } = await makeTenant(stack)
  const config = { from: 'alerts@tenant.example', smtpUrl: `smtp://127.0.0.1:${receiver.port}` }
  await inboxOf(api, [ann, bob, eve], config, { delivery: { schedule: ['0s', '100ms', '1d'] } })
  const id = await postEvent(api)
  const log = await eventually(
    () => readLog(api, id),
    ({ deliveries }) => deliveries[0]?.attempts.length === 2,
  )
  expect(log.deliveries[0]?.attempts).toMatchObject([
    { outcome: 'failed', error: expect.stringContaining(`so far 2 reached, not yet ${bob}`) as string },
    { outcome: 'failed', error: expect.stringContaining(`so far 2 reached, not yet ${bob}`) as string },
  ])
  refusal.recipient = 'nobody@limits.example'
  await waitingLog(api, id)
  await api.post(`/events/${id}/retry`).expect(202)
  expect((await settledLog(api, id)).deliveries[0]).toMatchObject({ status: 'delivered' })
  expect(receiver.envelopes.map(({ to }) => to)).toEqual([[ann], [eve], [bob]])
})
