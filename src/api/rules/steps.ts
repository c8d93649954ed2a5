import { closest, distance } from 'fastest-levenshtein'
import { z } from 'zod'
import { ruleLimits, type RuleStep, type StepKind } from '../../domain/rules/rule.ts'
import { filter } from '../fields/filter.ts'
import { digest, longestWait, untilTime } from './values.ts'
import { jsonObject } from '../fields/text.ts'

/** A step may contain lists of steps. The type is annotated because TypeScript cannot infer a recursive type. */
const step: z.ZodType<RuleStep> = z
  .lazy(() => oneStep)
  .meta({ id: 'RuleStep', minProperties: 1, maxProperties: 1 })
const stepList = z.array(step).max(ruleLimits.steps, `must contain at most ${ruleLimits.steps} steps`)
const someSteps = stepList.min(1, 'must not be empty; omit it instead')

const deliver = z
  .strictObject({
    to: z
      .array(z.string().max(64))
      .min(1, 'must contain at least one destination')
      .max(ruleLimits.destinations, `must contain at most ${ruleLimits.destinations} destinations`)
      .meta({ description: 'Ids of destinations in the same environment; their subscriptions are ignored.' }),
    template: z.string().max(64).optional(),
    onFailure: someSteps
      .optional()
      .meta({ description: 'Steps to run if any delivery of this step failed, once all have ended.' }),
    waitFor: z
      .literal('outcome')
      .optional()
      .meta({ description: 'The next step waits until all deliveries of this one have ended.' }),
  })
  .meta({ id: 'DeliverStep' })

const delay = z
  .union(
    [longestWait, untilTime],
    'must be a duration such as 1h, or {"until": "09:00", "timezone": "Europe/Berlin"}',
  )
  .meta({ id: 'Delay' })

const awaitAck = z
  .strictObject({
    within: longestWait,
    otherwise: someSteps
      .optional()
      .meta({ description: 'Steps to run if the event is not acknowledged in time.' }),
  })
  .meta({ id: 'AwaitAckStep' })

const branch = z
  .strictObject({ filter, steps: stepList, else: someSteps.optional() })
  .meta({ id: 'BranchStep' })

const stop = z
  .union(
    [z.literal(true), z.string().trim().min(1, 'must be true or a reason').max(200)],
    'must be true or a string that gives the reason',
  )
  .meta({ id: 'Stop' })

const kinds = { deliver, delay, awaitAck, branch, digest, stop } satisfies Record<StepKind, z.ZodType>
const kindNames = Object.keys(kinds)

/**
 * A union would also express that a step has exactly one kind, but could not tell which one was meant and so what is wrong with it.
 * `requireOneKind` enforces what the type promises.
 */
const oneStep = z.preprocess(
  requireOneKind,
  z.strictObject(kinds).partial(),
) as unknown as z.ZodType<RuleStep>

/** A rule's own list of steps. Excessive nesting is refused before any recursive code sees the list. */
export const ruleSteps = z.preprocess(
  requireShallow,
  stepList.min(1, 'must not be empty; for a rule that does nothing, use [{"stop": "reason"}]'),
)

function requireOneKind(value: unknown, context: z.RefinementCtx): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const names = Object.keys(value)
  const unknown = names.filter((name) => !kindNames.includes(name))
  const problem = (message: string, path: string[] = []) =>
    context.addIssue({ code: 'custom', message, path })
  for (const name of unknown)
    problem(`is not a kind of step; ${meant(name)}use one of ${kindNames.join(', ')}`, [name])
  if (names.length === 0) problem(`must be one of ${kindNames.join(', ')}`)
  if (unknown.length === 0 && names.length > 1)
    problem(`combines ${names.join(' and ')}; a step must have exactly one kind`)
  return unknown.length > 0 || names.length !== 1 ? z.NEVER : value
}

function meant(name: string): string {
  const nearest = closest(name.toLowerCase(), kindNames)
  return distance(name.toLowerCase(), nearest.toLowerCase()) <= 2 ? `did you mean ${nearest}? ` : ''
}

function requireShallow(steps: unknown, context: z.RefinementCtx): unknown {
  const [problem] = jsonObject.safeParse({ steps }).error?.issues ?? []
  if (!problem) return steps
  context.addIssue({ code: 'custom', message: problem.message })
  return z.NEVER
}
