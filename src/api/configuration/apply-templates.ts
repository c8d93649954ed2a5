import { isDeepStrictEqual } from 'node:util'
import type { Template } from '../../db/templates.ts'
import { requireLiquid } from '../template-fields.ts'
import { addTemplate, dropTemplate, writeTemplate } from '../template-store.ts'
import { validate } from '../validate.ts'
import { changeOf, type Change } from './changes.ts'
import { describeTemplate } from './describe.ts'
import { templateEntry } from './document.ts'
import type { Entry } from './match.ts'
import type { Outcome, Run } from './run.ts'

export async function applyTemplates(run: Run, entries: readonly Entry<Template>[]): Promise<Outcome> {
  const outcome: Outcome = { changes: [], things: [] }
  for (const entry of entries) {
    const change = await run.problems.within(entry.path, () => applyTemplate(run, entry))
    outcome.things.push({ id: change?.id ?? entry.stored?.id, name: entry.name })
    if (change) outcome.changes.push(change)
  }
  return outcome
}

async function applyTemplate({ store, writer }: Run, { given, stored }: Entry<Template>): Promise<Change> {
  const { name, eventTypes, parts } = validate(templateEntry, given)
  const wanted = { name, eventTypes, parts }
  if (stored && isDeepStrictEqual(describeTemplate(stored), describeTemplate(wanted)))
    return { kind: 'template', name, id: stored.id, change: 'unchanged' }
  requireLiquid(parts)
  const written = await (stored
    ? writeTemplate(store.db, writer, stored, wanted)
    : addTemplate(store.db, writer, wanted))
  return changeOf('template', written, sides(stored, written))
}

export async function dropTemplates({ store, writer }: Run, gone: readonly Template[]): Promise<Change[]> {
  for (const template of gone) await dropTemplate(store.db, writer, template)
  return gone.map((template) => changeOf('template', template, sides(template, undefined)))
}

function sides(before: Template | undefined, after: Template | undefined) {
  return {
    before: before && { entry: describeTemplate(before) },
    after: after && { entry: describeTemplate(after) },
  }
}
