import { z } from 'zod'
import type { StepKind } from '../../domain/rules/rule.ts'
import { routingReply } from '../events/fields.ts'
import { ruleSteps } from './steps.ts'

const begins = {
  at: z.string().optional().meta({ description: 'When the step starts.' }),
  after: z
    .string()
    .optional()
    .meta({ description: 'Given instead of `at` if the step may start at any time or not at all.' }),
}

const deliveries = z.array(
  z
    .object({
      destinationId: z.string(),
      channel: z.string(),
      name: z.string().optional(),
      template: z.string().optional(),
      skipped: z.string().optional().meta({ description: 'Why nothing would be sent now.' }),
      leftOut: z
        .string()
        .optional()
        .meta({ description: 'How many recipients would receive nothing, and why.' }),
      templateFault: z
        .string()
        .optional()
        .meta({ description: 'Why the default message would be sent instead of the template’s.' }),
    })
    .meta({ id: 'ForecastDelivery' }),
)

const step: z.ZodType = z
  .lazy(() => {
    const kinds = { deliver, delay, awaitAck, branch, digest, stop } satisfies Record<StepKind, z.ZodType>
    return z.discriminatedUnion('kind', Object.values(kinds) as [typeof deliver])
  })
  .meta({ id: 'ForecastStep' })
const steps = z.array(step)

const common = {
  path: z.string(),
  ...begins,
  until: z.string().optional().meta({ description: 'When the wait ends.' }),
}
const deliver = z
  .object({
    kind: z.literal('deliver'),
    ...common,
    deliveries,
    missing: z
      .array(z.object({ destinationId: z.string(), reason: z.string() }).meta({ id: 'MissingDestination' }))
      .optional()
      .meta({ description: 'Destinations that the rule references but that receive nothing.' }),
    waitFor: z.literal('outcome').optional(),
    onFailure: steps.optional(),
  })
  .meta({ id: 'ForecastDeliver' })
const delay = z
  .object({
    kind: z.literal('delay'),
    ...common,
    forMs: z.int().optional(),
    untilTime: z.string().optional(),
    timezone: z.string().optional(),
  })
  .meta({ id: 'ForecastDelay' })
const awaitAck = z
  .object({
    kind: z.literal('awaitAck'),
    ...common,
    within: z.string(),
    warning: z.string().optional().meta({
      description: 'Who else could know of the event, if this rule has not delivered it to anyone.',
    }),
    otherwise: steps,
  })
  .meta({ id: 'ForecastAwaitAck' })
const branch = z
  .object({ kind: z.literal('branch'), ...common, taken: z.enum(['steps', 'else']), steps })
  .meta({ id: 'ForecastBranch' })
const digest = z
  .object({
    kind: z.literal('digest'),
    ...common,
    max: z.int(),
    key: z.string().optional().meta({ description: 'The value that the digest’s events share.' }),
    then: ruleSteps.meta({ description: 'The steps that the rule runs for the digest.' }),
  })
  .meta({ id: 'ForecastDigest' })
const stop = z
  .object({ kind: z.literal('stop'), ...common, reason: z.string().optional() })
  .meta({ id: 'ForecastStop' })

const rule = z
  .object({
    kind: z.literal('rule'),
    ruleId: z.string(),
    version: z.int(),
    name: z.string(),
    at: z.string(),
    steps: z.array(step),
  })
  .meta({ id: 'ForecastRule' })
const toSubscribers = z.object({ kind: z.literal('deliver'), at: z.string(), deliveries }).meta({
  id: 'ForecastSubscribers',
  description: 'No rule matches, so the destinations’ subscriptions decide.',
})

export const previewReply = z
  .object({
    plan: z
      .object({
        at: z.string(),
        steps: z.array(z.discriminatedUnion('kind', [rule, toSubscribers])),
        routing: z.array(routingReply),
      })
      .meta({ id: 'Forecast' }),
  })
  .meta({ id: 'RoutingPreview' })
