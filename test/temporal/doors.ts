import { randomBytes } from 'node:crypto'
import { WorkflowFailedError } from '@temporalio/client'
import { decodeOptionalFailureToOptionalError } from '@temporalio/common/lib/internal-non-workflow/index.js'
import {
  replayEventsType,
  type ReplayEventsInput,
  type ReplayStand,
} from '../../src/workflows/contract/replays.ts'
import { rollUpDaysType } from '../../src/workflows/contract/roll-up.ts'
import { taskQueue } from '../../src/workflows/contract/task-queues.ts'
import { ok, startReceiver, status } from '../support/servers/receiver.ts'
import { closedLog, makeRule, makeWebhook, post, stepWaits } from '../support/workflows/rules.ts'
import { endedReplay, startReplay } from '../support/workflows/replays.ts'
import { eventually, makeTenant, settledLog, untilTestEnds, type Api, type Stack } from '../support/stack.ts'

/** Texts that are found nowhere else, by the door that they go in by. */
export interface Planted {
  tenantId: string
  /** What stands in payloads. */
  texts: Map<string, string>
  /** What is to be in no history, encrypted or not. */
  secrets: Map<string, string>
}

/** Sends something through every door by which text gets into Temporal, and waits until it is there. */
export async function plant(stack: Stack): Promise<Planted> {
  const tenant = await makeTenant(stack)
  const planted: Planted = { tenantId: tenant.id, texts: new Map(), secrets: new Map() }
  const text = (door: string) => remember(planted.texts, door)
  const secret = (door: string) => remember(planted.secrets, door)
  await Promise.all([
    eventAndReplay((await makeTenant(stack)).api, text, secret),
    failingReceiver((await makeTenant(stack)).api, text),
    rulesAndAcknowledgement((await makeTenant(stack)).api, text),
    digest((await makeTenant(stack)).api, text),
    ordered((await makeTenant(stack)).api, text),
    children((await makeTenant(stack)).api, text),
    tests((await makeTenant(stack)).api, text),
    secretsOfDestinations(tenant.api, planted.secrets),
    failures(stack, text),
  ])
  return planted
}

type Remember = (door: string) => string

function remember(all: Map<string, string>, door: string): string {
  const made = randomBytes(16).toString('hex')
  all.set(door, made)
  return made
}

async function eventAndReplay(api: Api, text: Remember, secret: Remember): Promise<void> {
  const hook = await makeWebhook(api, ok, undefined, ['all'])
  const data = { person: { name: text('event data') } }
  const id = await post(api, { data })
  await settledLog(api, id)
  await api.post(`/events/${id}/replay`).expect(202)
  await eventually(
    () => Promise.resolve(hook.receiver.received.length),
    (count) => count >= 2,
  )
  await api
    .patch(`/destinations/${hook.id}`, { config: { headers: { 'X-Team': secret('a custom header') } } })
    .expect(200)
  const now = Date.now()
  const [from, to] = [now - 600_000, now + 600_000].map((at) => new Date(at).toISOString())
  const replayId = await startReplay(api, { from, to, status: 'all', destination: hook.id })
  await endedReplay(api, replayId)
}

/** An answer is kept as an excerpt, of the first attempt (a local activity) and of a later one. */
async function failingReceiver(api: Api, text: Remember): Promise<void> {
  const [first, later] = [text('answer to the first attempt'), text('answer to a later attempt')]
  await makeWebhook(
    api,
    (response, request, count) => status(500, {}, count === 1 ? first : later)(response, request, count),
    undefined,
    ['aml.*'],
  )
  await settledLog(api, await post(api))
}

async function rulesAndAcknowledgement(api: Api, text: Remember): Promise<void> {
  const hook = await makeWebhook(api)
  const steps = [{ deliver: { to: [hook.id] } }, { awaitAck: { within: '1h' } }]
  await makeRule(api, { name: text('name of a rule'), steps })
  const id = await post(api)
  await stepWaits(api, id, 'awaitAck')
  await api
    .post(`/events/${id}/ack`, { by: text('who acknowledged'), note: text('note of an acknowledgement') })
    .expect(200)
  await closedLog(api, id)
}

async function digest(api: Api, text: Remember): Promise<void> {
  const hook = await makeWebhook(api)
  const name = text('name of a digest')
  await makeRule(api, { name, digest: { window: '1s' }, steps: [{ deliver: { to: [hook.id] } }] })
  const id = await post(api, { data: { said: text('data of a digested event') } })
  const { steps = [] } = await closedLog(api, id)
  await closedLog(api, steps[0]?.digestId ?? '')
}

async function ordered(api: Api, text: Remember): Promise<void> {
  await makeWebhook(api, ok, { schedule: ['0s'], ordering: { by: 'data.customerId' } }, ['aml.*'])
  await settledLog(api, await post(api, { data: { customerId: text('value that orders') } }))
}

/** More than one workflow makes: children get the event. */
async function children(api: Api, text: Remember): Promise<void> {
  const { url } = untilTestEnds(await startReceiver())
  for (let made = 0; made < 61; made++)
    await api
      .post('/destinations', {
        name: 'One of many',
        channel: 'webhook',
        config: { url },
        subscription: { eventTypes: ['all'] },
      })
      .expect(201)
  await settledLog(api, await post(api, { data: { of: text('event with children') } }), 60_000)
}

async function tests(api: Api, text: Remember): Promise<void> {
  const receiver = untilTestEnds(await startReceiver(ok, { tls: true }))
  await api.post('/webhooks/test/', { webhook_url: `${receiver.url}/${text('URL under test')}` }).expect(200)
  const hook = await makeWebhook(api)
  await api.post(`/destinations/${hook.id}/test`, { data: { of: text('data of a test') } }).expect(200)
}

/** Of destinations in use: attempts load them, and a receiver answers with what it was sent. */
async function secretsOfDestinations(api: Api, secrets: Map<string, string>): Promise<void> {
  const receiver = untilTestEnds(
    await startReceiver((response, request, count) =>
      status(500, {}, JSON.stringify(request.headers))(response, request, count),
    ),
  )
  const used = { subscription: { eventTypes: ['aml.*'] }, delivery: { schedule: ['0s'] } }
  const headers = { Authorization: `Bearer ${remember(secrets, 'an authorization header')}` }
  const webhook = { name: 'Webhook', channel: 'webhook', config: { url: receiver.url, headers } }
  const made = await api.post('/destinations', { ...webhook, ...used }).expect(201)
  secrets.set('a signing secret', (made.body as { secret: string }).secret.replace('whsec_', ''))
  const smtpUrl = `smtp://mailer:${remember(secrets, 'an SMTP password')}@127.0.0.1:${receiver.port}`
  const email = { name: 'Email', channel: 'email', config: { to: ['ada@example.com'], smtpUrl } }
  await api.post('/destinations', { ...email, ...used }).expect(201)
  await settledLog(api, await post(api))
}

/** What workflow code and activities throw: a failed workflow task, a failed activity, a failed workflow. */
async function failures({ temporal }: Stack, text: Remember): Promise<void> {
  const days = [text('message of a failed activity')]
  const rollUp = { workflowId: `roll-up-${randomBytes(6).toString('hex')}`, taskQueue, args: [{ days }] }
  const failed = await temporal.workflow.execute(rollUpDaysType, rollUp).catch((error: unknown) => error)
  if (!(failed instanceof WorkflowFailedError)) throw new Error('the roll-up of no day did not fail')

  // No place where a replay stands: JavaScript says that nothing can be set on it, and repeats it.
  const said = text('message of a failed workflow task')
  const stand = { progress: said, waiting: [], complete: true } as unknown as ReplayStand
  const handle = await temporal.workflow.start(replayEventsType, {
    workflowId: `replay-${randomBytes(6).toString('hex')}`,
    taskQueue,
    args: [{ carried: stand } as ReplayEventsInput],
  })
  const { events } = await eventually(
    () => handle.fetchHistory(),
    ({ events }) => (events ?? []).some(({ workflowTaskFailedEventAttributes: task }) => task),
  )
  const failure = events?.find(({ workflowTaskFailedEventAttributes: task }) => task)
  const { loadedDataConverter } = temporal.options
  const { message = '' } =
    (await decodeOptionalFailureToOptionalError(
      loadedDataConverter,
      failure?.workflowTaskFailedEventAttributes?.failure,
    )) ?? {}
  if (!message.includes(said)) throw new Error(`the workflow task failed otherwise: ${message}`)
  await handle.terminate()
}
