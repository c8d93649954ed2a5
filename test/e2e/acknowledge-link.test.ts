import supertest from 'supertest'
import { expect, it } from 'vitest'
import { isWaiting, press, readAcknowledgedLog, waitingEvent } from '../support/workflows/acknowledge.ts'
import { startReceiver } from '../support/servers/receiver.ts'
import { startSmtpReceiver } from '../support/servers/smtp-receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { eventually, makeTenant, publicUrl, untilTestEnds, type Api } from '../support/stack.ts'

const stack = sharedStack()

/** A rule that tells a destination and waits; gives the destination's id. */
async function tellAndWait(api: Api, channel: string, config: object): Promise<string> {
  const made = await api
    .post('/destinations', { name: 'On call', channel, config, subscription: { eventTypes: ['all'] } })
    .expect(201)
  const { id } = made.body as { id: string }
  const steps = [{ deliver: { to: [id] } }, { awaitAck: { within: '1h' } }]
  await api.post('/rules', { name: 'Tell and wait', when: { events: ['all'] }, steps }).expect(201)
  return id
}

const linkIn = (text: string) =>
  [...text.matchAll(/https:\/\/switchyard\.test\/acknowledge\/[A-Za-z0-9._:-]+/g)].map(([link]) => link)

/** Follows it as a scanner, which changes nothing, and then as a person. */
async function follow(api: Api, link: string, eventId: string): Promise<void> {
  const path = link.slice(publicUrl.length)
  await supertest(stack.app).get(path).expect(200)
  expect(isWaiting(await readAcknowledgedLog(api, eventId))).toBe(true)
  await press(stack, path, { name: 'Ann' }).expect(200)
}

it('an email’s link acknowledges its event, in its text and in its HTML', async () => {
  const smtp = untilTestEnds(await startSmtpReceiver())
  const { api } = await makeTenant(stack)
  const smtpUrl = `smtp://127.0.0.1:${smtp.port}`
  const config = { to: ['ann@acme.example'], from: 'alerts@acme.example', smtpUrl }
  const destinationId = await tellAndWait(api, 'email', config)
  const id = await waitingEvent({ api })
  const [mail] = await eventually(
    () => Promise.resolve(smtp.mails),
    ({ length }) => length > 0,
  )
  const links = [...linkIn(mail?.text ?? ''), ...linkIn(mail?.html || '')]
  expect(links.length).toBeGreaterThanOrEqual(2)
  expect(new Set(links).size).toBe(1)
  await follow(api, links[0] ?? '', id)
  const { acknowledgement, steps } = await readAcknowledgedLog(api, id)
  expect(acknowledgement).toMatchObject({ by: 'Ann', via: 'link', destinationId })
  expect(steps?.at(-1)).toMatchObject({ kind: 'awaitAck', status: 'done' })
})

it('a Slack message’s link acknowledges its event', async () => {
  const slack = untilTestEnds(await startReceiver())
  const { api } = await makeTenant(stack)
  const destinationId = await tellAndWait(api, 'slack', { webhookUrl: slack.url })
  const id = await waitingEvent({ api })
  const [message] = await eventually(
    () => Promise.resolve(slack.received),
    ({ length }) => length > 0,
  )
  const [link] = linkIn(message?.body ?? '')
  await follow(api, link ?? '', id)
  const { acknowledgement } = await readAcknowledgedLog(api, id)
  expect(acknowledgement).toMatchObject({ by: 'Ann', via: 'link', destinationId })
})
