import { isDeepStrictEqual } from 'node:util'
import type { Template } from '../../../db/templates.ts'
import type { JsonObject } from '../../../domain/event.ts'
import type { Compute } from '../../../compute/compute.ts'
import { addTemplate, dropTemplate, writeTemplate } from '../../templates/store.ts'
import { invalid } from '../../errors.ts'
import { withinBudget } from '../../http/over-budget.ts'
import { templateParts } from '../../templates/fields.ts'
import { validate } from '../../fields/validate.ts'
import { type Change, describeChange } from '../changes.ts'
import { describeTemplate } from '../describe.ts'
import { templateEntry } from '../document.ts'
import type { Entry } from '../match.ts'
import type { LiquidProblems, Outcome, Run } from '../run-types.ts'

/** Runs before the transaction, which must not wait for a thread. Templates without valid parts are refused later. */
export async function findLiquidProblems(
  compute: Compute,
  tenantId: string,
  templates: readonly JsonObject[],
): Promise<LiquidProblems> {
  const given = templates.flatMap(({ parts }, index) => {
    const parsed = templateParts.safeParse(parts)
    return parsed.success ? [{ path: `templates.${index}`, parts: parsed.data }] : []
  })
  if (given.length === 0) return new Map()
  const checked = compute.run(tenantId, 'checkTemplates', { templates: given.map(({ parts }) => parts) })
  const problems = await withinBudget(checked, 'templates')
  return new Map(given.map(({ path }, index) => [path, problems[index] ?? []]))
}

export async function applyTemplates(run: Run, entries: readonly Entry<Template>[]): Promise<Outcome> {
  const outcome: Outcome = { changes: [], things: [] }
  for (const entry of entries) {
    const change = await run.problems.within(entry.path, () => applyTemplate(run, entry))
    outcome.things.push({ id: change?.id ?? entry.stored?.id, name: entry.name })
    if (change) outcome.changes.push(change)
  }
  return outcome
}

async function applyTemplate(
  { store, writer, liquid }: Run,
  { path, given, stored, unclear }: Entry<Template>,
): Promise<Change | undefined> {
  const { name, eventTypes, parts } = validate(templateEntry, given)
  const wanted = { name, eventTypes, parts }
  if (stored && isDeepStrictEqual(describeTemplate(stored), describeTemplate(wanted)))
    return { kind: 'template', name, id: stored.id, change: 'unchanged' }
  const problems = liquid.get(path) ?? []
  if (problems.length > 0) throw invalid([...problems])
  if (unclear) return undefined
  const written = await (stored
    ? writeTemplate(store.db, writer, stored, wanted)
    : addTemplate(store.db, writer, wanted))
  return describeChange('template', written, sides(stored, written))
}

export async function dropTemplates({ store, writer }: Run, gone: readonly Template[]): Promise<Change[]> {
  for (const template of gone) await dropTemplate(store.db, writer, template)
  return gone.map((template) => describeChange('template', template, sides(template, undefined)))
}

function sides(before: Template | undefined, after: Template | undefined) {
  return {
    before: before && { entry: describeTemplate(before) },
    after: after && { entry: describeTemplate(after) },
  }
}
