import { inTenantTurn, type Tx } from '../../../db/client.ts'
import type { Destination } from '../../../db/destinations/destinations.ts'
import { deliverSteps } from '../../../domain/rules/walk.ts'
import type { AppDeps } from '../../deps.ts'
import { toStore } from '../../destinations/store.ts'
import { askNewRecipients } from '../../recipients/asking.ts'
import { invalid } from '../../errors.ts'
import type { Writer } from '../../auth/caller.ts'
import { audit } from '../../audit/writer.ts'
import { applyDestinations, dropDestinations, type MadeSecret } from './destinations.ts'
import { applyRules, dropRules, parseRules, type RuleNames } from './rules.ts'
import { applyTemplates, dropTemplates, findLiquidProblems } from './templates.ts'
import type { LiquidProblems } from '../run-types.ts'
import { showChanges, type Change, type ShownChange } from '../changes.ts'
import type { ConfigurationDocument, Kind } from '../document.ts'
import { matchEntries } from '../match.ts'
import { createProblems } from '../problems.ts'
import type { Nameable, Reachable } from '../references.ts'
import type { Outcome, Run, Work } from '../run-types.ts'
import { namesById, readStored, type Named, type Stored } from '../stored.ts'

export interface ApplyOptions {
  /** Tries everything and reports the result, then rolls it back. */
  dryRun: boolean
  /** Deletes things that are missing from the document's lists. */
  prune: boolean
}

export interface Applied {
  applied: boolean
  changes: ShownChange[]
  /** Things that are kept although they are not in the document. */
  unmanaged: (Named & { kind: Kind })[]
  secrets?: MadeSecret[]
  diff: string
}

/** The result of the transaction. The diffs are computed afterwards. */
type Done = Omit<Applied, 'changes' | 'diff'> & { changes: Change[] }

/** A full document writes about a thousand rows. */
const timeoutMs = 30_000

/** Makes an environment match a document. Everything happens in one transaction, so an error anywhere leaves nothing changed. */
export async function applyConfiguration(
  deps: AppDeps,
  writer: Writer,
  document: ConfigurationDocument,
  { dryRun, prune }: ApplyOptions,
): Promise<Applied> {
  requireEnvironment(document, writer)
  const { compute } = deps
  const { tenantId } = writer.scope
  const liquid = await findLiquidProblems(compute, tenantId, document.templates ?? [])
  const done = await applyOrTry(deps, writer, { document, prune, liquid }, dryRun)
  const changes = await showChanges(compute, tenantId, done.changes)
  return { ...done, changes, diff: changes.map(({ diff = '' }) => diff).join('') }
}

interface Applying {
  document: ConfigurationDocument
  prune: boolean
  liquid: LiquidProblems
}

async function applyOrTry(deps: AppDeps, writer: Writer, applying: Applying, dryRun: boolean): Promise<Done> {
  try {
    const write = async (tx: Tx) => {
      const applied = await applyInTurn(deps, tx, writer, applying)
      if (dryRun) throw new Undone({ ...applied, applied: false, secrets: undefined })
      return applied
    }
    const applied = await inTenantTurn(deps.db, writer.scope.tenantId, write, { timeoutMs })
    await askNewRecipients(deps, writer.scope)
    return applied
  } catch (error) {
    if (error instanceof Undone) return error.would
    throw error
  }
}

/** Thrown to roll back a transaction that succeeded. */
class Undone extends Error {
  readonly would: Done

  constructor(would: Done) {
    super('a dry run')
    this.would = would
  }
}

async function applyInTurn(
  deps: AppDeps,
  tx: Tx,
  writer: Writer,
  { document, prune, liquid }: Applying,
): Promise<Done> {
  const { scope } = writer
  const run: Run = { store: toStore(deps, tx, writer), writer, scope, problems: createProblems(), liquid }
  const stored = await readStored(tx, deps.secretKeys, scope)
  const work = planWork(run, document, stored, prune)
  const before = listNames(stored.destinations, stored.templates)

  const deleted = [
    ...(await dropDestinations(run, work.gone.destinations)),
    ...(await dropTemplates(run, work.gone.templates)),
    ...(await dropRules(run, work.gone.rules, before)),
  ]
  const destinations = await applyDestinations(run, work.destinations.entries)
  const templates = await applyTemplates(run, work.templates.entries)
  const reachable = {
    destinations: listReachable(destinations, stored.destinations, work.gone.destinations),
    templates: listReachable(templates, stored.templates, work.gone.templates),
  }
  const wanted = await parseRules(run, work.rules.entries, reachable)
  run.problems.refuse()

  const after = listNames(reachable.destinations.things, reachable.templates.things)
  const rest = without(work.rules.rest, work.gone.rules)
  const rules = await applyRules(run, wanted, rest, { before, after })
  const changes = [...destinations.changes, ...templates.changes, ...rules, ...deleted]
  const written = changes.filter(({ change }) => change !== 'unchanged')
  if (written.length > 0) {
    // Each change also has its own audit entry.
    const list = written.map(({ kind, id, name, change }) => ({ kind, id, name, change }))
    await audit(tx, writer, { action: 'configuration.applied', after: { changes: list } })
  }
  return {
    applied: true,
    changes,
    unmanaged: listUnmanaged(work),
    ...(destinations.secrets.length > 0 && { secrets: destinations.secrets }),
  }
}

function requireEnvironment({ environment }: ConfigurationDocument, { scope }: Writer): void {
  if (environment === undefined || environment === scope.environment) return
  throw invalid([{ path: 'environment', message: `must match the key’s environment, ${scope.environment}` }])
}

/** Returns the owner of a destination that was made through an adopted contract's API. Documents cannot contain it. */
export function toOwner({ contract }: Destination): string | undefined {
  return contract === undefined ? undefined : `the API of the adopted contract ${contract}`
}

function planWork({ problems }: Run, document: ConfigurationDocument, stored: Stored, prune: boolean): Work {
  const { destinations = [], templates = [], rules = [] } = document
  const named = stored.rules.map((rule) => ({ ...rule, name: rule.definition.name }))
  const matched = {
    destinations: matchEntries('destination', destinations, stored.destinations, problems, toOwner),
    templates: matchEntries('template', templates, stored.templates, problems),
    rules: matchEntries('rule', rules, named, problems),
  }
  const gone = {
    destinations: prune && document.destinations ? matched.destinations.rest : [],
    templates: prune && document.templates ? matched.templates.rest : [],
    rules: prune && document.rules ? matched.rules.rest : [],
  }
  const ids = new Set([...gone.destinations, ...gone.templates].map(({ id }) => id))
  for (const rule of without(matched.rules.rest, gone.rules)) {
    const names = deliverSteps(rule.definition.steps).flatMap(({ deliver: { to, template } }) => [
      ...to,
      template,
    ])
    if (names.some((id) => id !== undefined && ids.has(id)))
      problems.add(
        'rules',
        `must be present because the rule “${rule.name}” references a destination or template that would be deleted`,
      )
  }
  return { ...matched, gone }
}

/** Returns the things that rules can reference: those of the document's entries and the stored ones that remain. */
function listReachable({ things }: Outcome, stored: readonly Named[], gone: readonly Named[]): Reachable {
  const written = new Set(things.map(({ id }) => id))
  const others = without(stored, gone).filter(({ id }) => !written.has(id))
  return { things: [...things, ...others.map(({ id, name }) => ({ id, name }))], gone }
}

function listNames(destinations: readonly Nameable[], templates: readonly Nameable[]): RuleNames['before'] {
  return {
    destinations: namesById('destination', destinations.filter(hasId)),
    templates: namesById('template', templates.filter(hasId)),
  }
}

function hasId(thing: Nameable): thing is Named {
  return thing.id !== undefined
}

function without<Thing extends { id: string }>(
  things: readonly Thing[],
  left: readonly { id: string }[],
): Thing[] {
  const ids = new Set(left.map(({ id }) => id))
  return things.filter(({ id }) => !ids.has(id))
}

function listUnmanaged({ destinations, templates, rules, gone }: Work): Applied['unmanaged'] {
  const show = (kind: Kind, rest: readonly Named[], deleted: readonly Named[]) =>
    without(rest, deleted).map(({ id, name }) => ({ kind, id, name }))
  return [
    ...show('destination', destinations.rest, gone.destinations),
    ...show('template', templates.rest, gone.templates),
    ...show('rule', rules.rest, gone.rules),
  ]
}
