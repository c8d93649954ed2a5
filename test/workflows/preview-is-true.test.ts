import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ForecastDelivery, ForecastPlan, ForecastStep } from '../../src/domain/routing/forecast.ts'
import { closedLog, makeWebhook, post, type RuleLog } from '../support/workflows/rules.ts'
import { startSmtpReceiver } from '../support/servers/smtp-receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { makeTenant, untilTestEnds, type Api } from '../support/stack.ts'

const stack = sharedStack()

/** What becomes of a destination after the rules that name it were made. */
const fates = ['active', 'active', 'paused', 'disabled', 'deleted', 'unconfirmed', 'half confirmed'] as const
type Fate = (typeof fates)[number]
const destinations = 5

const to = fc.uniqueArray(fc.nat({ max: destinations - 1 }), { minLength: 1, maxLength: 3 })
const waitFor = fc.constantFrom(undefined, 'outcome')
const template = fc.constantFrom(undefined, undefined, 'deleted', 'of webhooks')
const { steps } = fc.letrec<{ steps: object[]; step: object }>((tie) => ({
  steps: fc.array(tie('step'), { minLength: 1, maxLength: 3, depthIdentifier: 'rule' }),
  step: fc.oneof(
    { depthIdentifier: 'rule', maxDepth: 2 },
    fc.record({ to, waitFor, template }).map((deliver) => ({ deliver })),
    fc.record({ to, waitFor, onFailure: tie('steps') }).map((deliver) => ({ deliver })),
    fc.constant({ delay: '1s' }),
    fc
      .record({ otherwise: tie('steps') })
      .map(({ otherwise }) => ({ awaitAck: { within: '1s', otherwise } })),
  ),
}))
const anyCase = fc.record({
  rules: fc.array(steps, { minLength: 1, maxLength: 2 }),
  fates: fc.array(fc.constantFrom(...fates), { minLength: destinations, maxLength: destinations }),
})
type Case = typeof anyCase extends fc.Arbitrary<infer Value> ? Value : never

/** Each run takes other cases, and a failure prints them. */
it(
  'a preview says which steps an event comes to, and what becomes of each delivery',
  { timeout: 180_000 },
  async () => {
    const found = await Promise.all(fc.sample(anyCase, 10).map(compare))
    for (const { given, foreseen, happened } of found)
      expect({ given, happened }).toEqual({ given, happened: foreseen })
  },
)

async function compare(given: Case) {
  const { api } = await makeTenant(stack)
  const ids: string[] = []
  for (const fate of given.fates) ids.push(await makeDestination(api, fate))
  const templates = {
    deleted: await makeTemplate(api, { webhook: { body: '{}' }, email: { text: 'Hello' } }),
    'of webhooks': await makeTemplate(api, { webhook: { body: '{}' } }),
  }
  const named = (value: string | number) => ids[Number(value)] ?? templates[value as keyof typeof templates]
  for (const steps of given.rules)
    await api.post('/rules', {
      name: 'Made up',
      when: { events: ['aml.*'] },
      steps: withNames(steps, named),
    })
  await api.delete(`/templates/${templates.deleted}`).expect(204)
  for (const [index, fate] of given.fates.entries()) await meet(api, ids[index] ?? '', fate)

  const { body } = await api.post('/rules/preview', { type: 'aml.match.found', data: {} }).expect(200)
  const log = await closedLog(api, await post(api), 60_000)
  return { given, foreseen: foresee((body as { plan: ForecastPlan }).plan), happened: tell(log) }
}

async function makeDestination(api: Api, fate: Fate): Promise<string> {
  if (!fate.endsWith('confirmed')) return (await makeWebhook(api)).id
  const smtp = untilTestEnds(await startSmtpReceiver())
  const config = {
    to: ['ann@x.io', 'bob@x.io'],
    from: 'b@x.io',
    smtpUrl: `smtp://127.0.0.1:${smtp.port}`,
  }
  const given = { name: 'Mail', channel: 'email', config, subscription: { eventTypes: ['only.rules'] } }
  return ((await api.post('/destinations', given).expect(201)).body as { id: string }).id
}

async function makeTemplate(api: Api, parts: object): Promise<string> {
  const made = await api.post('/templates', { name: 'A template', eventTypes: [], parts }).expect(201)
  return (made.body as { id: string }).id
}

async function meet(api: Api, destinationId: string, fate: Fate): Promise<void> {
  const { db } = stack
  const asked = { status: 'asked', askedAt: new Date() }
  if (fate === 'paused') await api.post(`/destinations/${destinationId}/pause`).expect(200)
  if (fate === 'deleted') await api.delete(`/destinations/${destinationId}`).expect(204)
  if (fate === 'disabled')
    await db.destination.update({
      where: { id: destinationId },
      data: { status: 'disabled', statusReason: 'HTTP 410' },
    })
  if (fate === 'unconfirmed') await db.emailRecipient.updateMany({ where: { destinationId }, data: asked })
  if (fate === 'half confirmed')
    await db.emailRecipient.updateMany({ where: { destinationId, address: 'bob@x.io' }, data: asked })
}

/** Destinations and templates have ids where the cases have places and words. */
function withNames(value: unknown, named: (value: string | number) => string | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => withNames(item, named))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === 'to') return [key, (inner as number[]).map(named)]
      return key === 'template' && inner !== undefined
        ? [key, named(inner as string)]
        : [key, withNames(inner, named)]
    }),
  )
}

/** Step by step: what became of each of its deliveries. */
type Told = Record<string, string[]>

function foresee({ steps }: ForecastPlan): Told {
  const reached = steps.flatMap((rule) => ('ruleId' in rule ? rule.steps.flatMap(withInner) : []))
  return Object.fromEntries(
    reached.filter(({ at }) => at !== undefined).map((step) => [step.path, foreseenOf(step)]),
  )
}

function withInner(step: ForecastStep): ForecastStep[] {
  if (step.kind === 'deliver') return [step, ...(step.onFailure ?? []).flatMap(withInner)]
  return [step, ...(step.kind === 'awaitAck' ? step.otherwise.flatMap(withInner) : [])]
}

function foreseenOf(step: ForecastStep): string[] {
  return step.kind === 'deliver' ? step.deliveries.map(foreseenDelivery).sort() : []
}

function foreseenDelivery({ destinationId, skipped, leftOut, templateFault = '' }: ForecastDelivery): string {
  if (skipped !== undefined) return `${destinationId} ${withoutNames(skipped)}`
  return `${destinationId} ${leftOut === undefined ? 'to all' : 'to some'} ${templateFault}`
}

function tell({ steps = [], deliveries }: RuleLog): Told {
  const done = steps.filter(({ status }) => status === 'done')
  return Object.fromEntries(
    done.map(({ path }) => [
      path,
      deliveries
        .filter(({ step }) => step === path)
        .map(toldOf)
        .sort(),
    ]),
  )
}

function toldOf({ destinationId, status, reason, attempts }: RuleLog['deliveries'][number]): string {
  if (status === 'skipped') return `${destinationId} ${withoutNames(reason ?? '')}`
  const [attempt] = attempts as { templateFault?: string; responseExcerpt?: string }[]
  const some = attempt?.responseExcerpt?.includes('not sent to all') ? 'to some' : 'to all'
  return `${destinationId} ${some} ${attempt?.templateFault ?? ''}`
}

/** A log says who has not confirmed, and a preview how many have not. */
function withoutNames(reason: string): string {
  return reason.replace(/^(no recipient has confirmed): .*$/, '$1')
}
