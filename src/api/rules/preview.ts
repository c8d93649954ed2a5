import { z } from 'zod'
import { findVerdicts } from '../../compute/find-verdicts.ts'
import type { Db } from '../../db/client.ts'
import { routableDestinations, type Scope } from '../../db/destinations/destinations.ts'
import { peekPasses, rulesHoldingBack } from '../../db/limits/rule-passes.ts'
import { enabledRules } from '../../db/rules.ts'
import { templateDefaults } from '../../db/templates.ts'
import type { Event } from '../../domain/event.ts'
import { forecast } from '../../domain/routing/forecast.ts'
import { plannedDeliveries } from '../../domain/routing/plan.ts'
import { routingFilters } from '../../domain/routing/filters.ts'
import { ruleLimits, type Rule } from '../../domain/rules/rule.ts'
import { route as routeEvent } from '../../domain/routing/routing.ts'
import type { AppDeps } from '../deps.ts'
import { readOutlooks } from './delivery-outlook.ts'
import { eventId, eventType } from '../events/fields.ts'
import { route } from '../http/route.ts'
import { previewReply } from './preview-reply.ts'
import { ruleBody } from './fields.ts'
import { requireSound } from './store.ts'
import { isoTime, jsonObject } from '../fields/text.ts'

const previewBody = z
  .strictObject({
    type: eventType,
    data: jsonObject,
    id: eventId.default('evt_preview'),
    at: isoTime.optional().meta({ description: 'When the event would be routed; the default is now.' }),
    rules: z
      .array(ruleBody)
      .max(ruleLimits.rules, `must contain at most ${ruleLimits.rules} rules`)
      .optional()
      .meta({
        description:
          'Draft rules to use instead of the stored ones, in this order; they are named `draft_1` and so on.',
      }),
  })
  .meta({ id: 'RoutingPreviewRequest' })

export const rulePreviewRoutes = [
  route({
    method: 'post',
    path: '/rules/preview',
    operationId: 'previewRouting',
    access: { scope: 'rules:read' },
    summary: 'Preview how an event would be routed, without sending or counting anything',
    body: previewBody,
    dataAt: 'data',
    replies: { 200: previewReply },
    async handle({ body: { rules: drafts, ...given }, scope }, deps) {
      const { db } = deps
      const at = given.at === undefined ? new Date() : new Date(given.at)
      const { id, type, data } = given
      const event = { ...scope, id, type, data, createdAt: at.toISOString() }
      const rules = drafts ? await openDrafts(db, scope, drafts) : await enabledRules(db, scope)
      return { status: 200, body: { plan: await planFor(deps, scope, event, rules, at) } }
    },
  }),
]

/** Returns the enabled drafts. All drafts must be valid enough to be saved. */
async function openDrafts(db: Db, scope: Scope, drafts: z.output<typeof ruleBody>[]): Promise<Rule[]> {
  const rules: Rule[] = []
  for (const [index, { enabled, position: _inList, ...definition }] of drafts.entries()) {
    await requireSound(db, scope, definition, `rules.${index}.`)
    if (enabled) rules.push({ id: `draft_${index + 1}`, version: 1, definition })
  }
  return rules
}

async function planFor(
  { db, compute, log }: Pick<AppDeps, 'db' | 'compute' | 'log'>,
  scope: Scope,
  event: Event,
  rules: readonly Rule[],
  at: Date,
) {
  const [destinations, templates] = await Promise.all([
    routableDestinations(db, scope),
    templateDefaults(db, scope),
  ])
  const filters = routingFilters(event, destinations, rules)
  const verdicts = await findVerdicts({ compute, log }, event, filters)
  // Read only: a preview uses up no throttle or dedupe pass.
  const heldBack = await rulesHoldingBack(db, { event, rules, verdicts, at }, peekPasses)
  const plan = routeEvent(event, destinations, { rules, templates, verdicts, heldBack, at })
  const lookAhead = await readOutlooks(db, scope, plannedDeliveries(plan.steps), destinations)
  return forecast(plan, at, lookAhead)
}
