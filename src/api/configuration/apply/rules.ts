import { isDeepStrictEqual } from 'node:util'
import { plainDefinition, type StoredRule } from '../../../db/rules.ts'
import { structureProblems } from '../../rules/checks.ts'
import { referenceProblems } from '../../rules/references.ts'
import { addRule, dropRule, requireRoom, writeRule } from '../../rules/store.ts'
import { validate } from '../../fields/validate.ts'
import { describeChange, type Change } from '../changes.ts'
import { describeRule, type DescribedRule, type NamesById } from '../describe.ts'
import { ruleEntry } from '../document.ts'
import type { Entry } from '../match.ts'
import { resolveNames, type Reachable } from '../references.ts'
import type { Run } from '../run-types.ts'
import type { Named } from '../stored.ts'

type NamedRule = StoredRule & Named

/** The names that documents use for ids, before and after the document is applied. */
export interface RuleNames {
  before: Record<'destinations' | 'templates', NamesById>
  after: Record<'destinations' | 'templates', NamesById>
}

interface Wanted extends DescribedRule {
  path: string
  stored: NamedRule | undefined
}

/** Parses and checks the entries. Problems are recorded, and an entry that cannot be parsed is skipped. */
export async function parseRules(
  run: Run,
  entries: readonly Entry<NamedRule>[],
  reachable: Record<'destinations' | 'templates', Reachable>,
): Promise<Wanted[]> {
  const wanted: Wanted[] = []
  for (const { path, given, stored } of entries) {
    const steps = given.steps && resolveNames(given.steps, path, reachable, run.problems)
    const parsed = await run.problems.within(path, () =>
      validate(ruleEntry, { ...given, ...(steps && { steps }) }),
    )
    if (!parsed) continue
    const { enabled, id: _id, ...definition } = parsed
    for (const one of structureProblems(definition)) run.problems.add(`${path}.${one.path}`, one.message)
    wanted.push({ path, stored, enabled, definition: plainDefinition(definition) })
  }
  for (const rule of wanted) await checkReferences(run, rule)
  return wanted
}

/**
 * Checks the ids in a rule's steps. Skipped if the document has other problems, because things that were not written have no id
 * yet, and for steps that do not change.
 */
async function checkReferences({ store, scope, problems }: Run, { path, definition, stored }: Wanted) {
  if (!problems.none || isDeepStrictEqual(stored?.definition.steps, definition.steps)) return
  for (const one of await referenceProblems(store.db, scope, definition.steps))
    problems.add(`${path}.${one.path}`, one.message)
}

/** Writes the rules that differ. The document's rules come first, in its order; the others follow in theirs. */
export async function applyRules(
  run: Run,
  wanted: readonly Wanted[],
  rest: readonly StoredRule[],
  names: RuleNames,
): Promise<Change[]> {
  const stored = [...rest, ...wanted.flatMap((rule) => rule.stored ?? [])]
  const order = stored.sort((a, b) => a.position - b.position).map(({ id }) => id)
  const changes: Change[] = []
  const written: StoredRule[] = []
  for (const [index, rule] of wanted.entries()) {
    const from = rule.stored && order.indexOf(rule.stored.id)
    const rewritten = await applyRule(run, rule, from, index)
    if (from !== undefined) order.splice(from, 1)
    order.splice(index, 0, rewritten.id)
    written.push(rewritten)
    changes.push(ruleChange(rule, rewritten, { from, to: index }, names))
  }
  if (changes.some(({ change }) => change !== 'unchanged')) requireRoom([...written, ...rest])
  return changes
}

/** Writes one rule. `from` and `to` are positions from 0. The rules before `to` are already in order. */
function applyRule(
  { store, writer }: Run,
  { definition, enabled, stored }: Wanted,
  from: number | undefined,
  to: number,
): Promise<StoredRule> {
  const next = { definition, enabled, position: to + 1 }
  if (!stored || from === undefined) return addRule(store.db, writer, next)
  return writeRule(store.db, writer, { ...stored, position: from + 1 }, next)
}

function ruleChange(
  { stored }: Wanted,
  written: StoredRule,
  { from, to }: { from: number | undefined; to: number },
  names: RuleNames,
): Change {
  const thing = { id: written.id, name: written.definition.name }
  const isMoved = from !== undefined && from !== to
  if (stored && !isMoved && isSame(stored, written)) return { kind: 'rule', ...thing, change: 'unchanged' }
  return describeChange('rule', thing, {
    before: stored && {
      entry: describeRule(stored, names.before),
      place: isMoved ? from + 1 : undefined,
    },
    after: { entry: describeRule(written, names.after), place: isMoved ? to + 1 : undefined },
  })
}

function isSame(before: StoredRule, after: StoredRule): boolean {
  return before.enabled === after.enabled && isDeepStrictEqual(before.definition, after.definition)
}

/** Deletes the last rules first, because each deletion closes the gap behind it. */
export async function dropRules(
  { store, writer }: Run,
  gone: readonly NamedRule[],
  before: RuleNames['before'],
): Promise<Change[]> {
  for (const rule of gone.toReversed()) await dropRule(store.db, writer, rule)
  return gone.map((rule) => describeChange('rule', rule, { before: { entry: describeRule(rule, before) } }))
}
