import { z } from 'zod'
import { quietProblem } from '../../domain/rules/quiet-hours.ts'
import { ruleLimits, weekdays } from '../../domain/rules/rule.ts'
import { eventTypeGlobText, filter } from '../fields/filter.ts'
import { ruleSteps } from './steps.ts'
import { digest, endOfSpan, eventPath, longestWait, timeOfDay, timezone } from './values.ts'
import { nameText } from '../fields/text.ts'

const quietWindow = z
  .strictObject({
    timezone,
    between: z.tuple([timeOfDay, endOfSpan], 'must be two times of day such as ["22:00", "07:00"]'),
    days: z
      .array(z.enum(weekdays))
      .min(1, 'must contain at least one day, or be omitted')
      .max(weekdays.length)
      .optional()
      .meta({ description: 'The days on which the window starts; the default is every day.' }),
    unless: filter.optional().meta({ description: 'Events that match this filter are not held back.' }),
  })
  .meta({ id: 'QuietWindow' })
const quietWindows = z
  .array(quietWindow)
  .min(1, 'must not be empty; omit it instead')
  .max(ruleLimits.quietHours, `must contain at most ${ruleLimits.quietHours} windows`)

/** Accepts one window or an array of windows; always stored as an array. */
const quietHours = z
  .union([quietWindow, quietWindows], 'must be a window with timezone and between, or an array of windows')
  .transform((given) => (Array.isArray(given) ? given : [given]))
  .superRefine((windows, context) => {
    const problem = quietProblem(windows)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })
  .meta({ description: 'Deliveries wait until the windows are over. A single window needs no array.' })

const throttle = z
  .strictObject({ limit: z.int().min(1).max(1000), per: longestWait, by: eventPath.optional() })
  .meta({
    id: 'Throttle',
    description:
      'Act on at most `limit` events in any period of length `per`, counted per value of `by` if given.',
  })

const dedupe = z
  .strictObject({ by: eventPath, within: longestWait })
  .meta({ id: 'Dedupe', description: 'Act on only one event with the same value of `by` per `within`.' })

const when = z
  .strictObject({
    events: z.array(eventTypeGlobText).min(1, 'must contain at least one event type').max(100),
    filter: filter.optional(),
  })
  .meta({ id: 'RuleCondition' })
const exclusive = z.boolean().meta({ description: 'If the rule matches, later rules are not evaluated.' })

const position = z.int().min(1).max(1_000_000).meta({
  description: 'The position in the evaluation order, starting at 1; values past the end mean last.',
})

/** The fields that define a rule, without its metadata. */
const definition = {
  name: nameText,
  when,
  steps: ruleSteps,
  quietHours: quietHours.optional(),
  digest: digest.optional(),
  throttle: throttle.optional(),
  dedupe: dedupe.optional(),
  exclusive: exclusive.optional(),
}

export const ruleBody = z
  .strictObject({
    ...definition,
    enabled: z.boolean().default(true),
    position: position.optional(),
  })
  .meta({ id: 'NewRule' })

/** Each field is replaced as a whole; `null` removes an optional one. */
export const rulePatch = z
  .strictObject({
    name: definition.name.optional(),
    when: when.optional(),
    steps: ruleSteps.optional(),
    quietHours: quietHours.nullable().optional(),
    digest: digest.nullable().optional(),
    throttle: throttle.nullable().optional(),
    dedupe: dedupe.nullable().optional(),
    exclusive: exclusive.nullable().optional(),
    enabled: z.boolean().optional(),
    position: position.optional(),
  })
  .meta({ id: 'RulePatch' })

export const definitionReply = z.object({ ...definition, quietHours: quietWindows.optional() })

export const ruleReply = z
  .object({
    id: z.string(),
    version: z.int().meta({
      description: 'The version of the definition; moving, enabling or disabling a rule does not change it.',
    }),
    position: z.int(),
    enabled: z.boolean(),
    ...definitionReply.shape,
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: 'Rule' })
