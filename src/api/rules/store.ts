import { isDeepStrictEqual } from 'node:util'
import { inTenantTurn, type Tx } from '../../db/client.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import {
  findRule,
  insertRule,
  listRules,
  plainDefinition,
  removeRule,
  updateRule,
  type StoredRule,
} from '../../db/rules.ts'
import { estimatePlanBytes, maxRulesBytes } from '../../domain/routing/plan-size.ts'
import { ruleLimits, type RuleDefinition } from '../../domain/rules/rule.ts'
import { deliverSteps } from '../../domain/rules/walk.ts'
import type { AppDeps } from '../deps.ts'
import { ApiError, invalid, notFound } from '../errors.ts'
import type { Writer } from '../auth/caller.ts'
import { structureProblems } from './checks.ts'
import { referenceProblems } from './references.ts'
import { asJson, audit, diffFields } from '../audit/writer.ts'

export interface NewRule {
  definition: RuleDefinition
  enabled: boolean
  /**
   * The rule's position in the order, starting at 1. If omitted, or greater than the number of rules, the rule is added at the end.
   */
  position: number | undefined
}

type OptionalField = 'quietHours' | 'digest' | 'throttle' | 'dedupe' | 'exclusive'

/** Omitted fields keep their values; `null` removes an optional one. */
export type RuleChange = Partial<Pick<NewRule, 'enabled' | 'position'>> & {
  [Field in Exclude<keyof RuleDefinition, OptionalField>]?: RuleDefinition[Field]
} & { [Field in OptionalField]?: RuleDefinition[Field] | null }

/** Writes rules one request at a time, because positions and limits are checked before they are used. */
function inTurn<Result>(
  { db }: AppDeps,
  { scope }: Writer,
  write: (tx: Tx, scope: Scope) => Promise<Result>,
) {
  return inTenantTurn(db, scope.tenantId, (tx) => write(tx, scope))
}

export function createRule(
  deps: AppDeps,
  writer: Writer,
  { definition, enabled, position }: NewRule,
): Promise<StoredRule> {
  return inTurn(deps, writer, async (tx, scope) => {
    await requireSound(tx, scope, definition)
    const others = await listRules(tx, scope)
    const placed = { definition, enabled, position: Math.min(position ?? Infinity, others.length + 1) }
    const made = await addRule(tx, writer, placed)
    requireRoom([...others, made])
    return made
  })
}

/** Inserts a rule that has been checked. Its position must be valid. */
export async function addRule(
  tx: Tx,
  writer: Writer,
  rule: Pick<StoredRule, 'definition' | 'enabled' | 'position'>,
): Promise<StoredRule> {
  const made = await insertRule(tx, writer.scope, writer.keyId, rule)
  await audit(tx, writer, { action: 'rule.created', subject: made.id, after: asJson(forAudit(made)) })
  return made
}

export function changeRule(
  deps: AppDeps,
  writer: Writer,
  id: string,
  change: RuleChange,
): Promise<StoredRule> {
  return inTurn(deps, writer, async (tx, scope) => {
    const current = await requireRule(tx, scope, id)
    const rules = await listRules(tx, scope)
    const definition = merge(current.definition, change)
    const enabled = change.enabled ?? current.enabled
    const position = Math.min(change.position ?? current.position, rules.length)

    const edited = !isDeepStrictEqual(definition, current.definition)
    if (edited) await requireSoundChange(tx, scope, current.definition, definition)
    const changed = await writeRule(tx, writer, current, { definition, enabled, position })
    if (edited || enabled !== current.enabled)
      requireRoom(rules.map((rule) => (rule.id === changed.id ? changed : rule)))
    return changed
  })
}

/** Updates the changed fields of a rule that has been checked; does nothing if it has not changed. Its position must be valid. */
export async function writeRule(
  tx: Tx,
  writer: Writer,
  current: StoredRule,
  { definition, enabled, position }: Pick<StoredRule, 'definition' | 'enabled' | 'position'>,
): Promise<StoredRule> {
  const edited = !isDeepStrictEqual(definition, current.definition)
  const switched = enabled !== current.enabled
  if (!edited && !switched && position === current.position) return current
  const next = { enabled, position, definition: edited ? definition : undefined }
  const changed = await updateRule(tx, writer.scope, writer.keyId, current, next)
  // A change that also enables or disables the rule makes two entries, so that a search by action finds what has stopped the rule.
  const rest = diffFields(forAudit({ ...current, enabled }), forAudit(changed))
  if (rest) await audit(tx, writer, { action: 'rule.changed', subject: changed.id, ...rest })
  const done = { subject: changed.id, before: { enabled: current.enabled }, after: { enabled } }
  if (switched) await audit(tx, writer, { action: enabled ? 'rule.enabled' : 'rule.disabled', ...done })
  return changed
}

export function deleteRule(deps: AppDeps, writer: Writer, id: string): Promise<void> {
  return inTurn(deps, writer, async (tx, scope) => {
    await dropRule(tx, writer, await requireRule(tx, scope, id))
  })
}

export async function dropRule(tx: Tx, writer: Writer, rule: StoredRule): Promise<void> {
  await removeRule(tx, writer.scope, rule)
  await audit(tx, writer, { action: 'rule.deleted', subject: rule.id, before: asJson(forAudit(rule)) })
}

function forAudit({ id, version, position, enabled, definition }: StoredRule) {
  return { id, version, position, enabled, ...definition }
}

/** Returns the rule in this scope, or throws 404. */
export async function requireRule(db: Tx, scope: Scope, id: string): Promise<StoredRule> {
  const found = await findRule(db, scope, id)
  if (!found) throw notFound('rule')
  return found
}

/** Throws 422 if the rule cannot be run as it is written. `prefix` is the path of the rule. */
export async function requireSound(
  db: Tx,
  scope: Scope,
  definition: RuleDefinition,
  prefix = '',
): Promise<void> {
  const problems = [
    ...structureProblems(definition),
    ...(await referenceProblems(db, scope, definition.steps)),
  ]
  if (problems.length > 0)
    throw invalid(problems.map(({ path, message }) => ({ path: `${prefix}${path}`, message })))
}

/** Checks references only if the steps have changed: a destination or template deleted since must not prevent other changes. */
async function requireSoundChange(tx: Tx, scope: Scope, before: RuleDefinition, after: RuleDefinition) {
  if (!isDeepStrictEqual(before.steps, after.steps)) return requireSound(tx, scope, after)
  const problems = structureProblems(after)
  if (problems.length > 0) throw invalid(problems)
}

/** Limits the work that one event can cause. */
export function requireRoom(rules: readonly StoredRule[]): void {
  if (rules.length > ruleLimits.rules)
    throw limitReached(`An environment can have at most ${ruleLimits.rules} rules; delete one first.`)
  const named = rules
    .filter(({ enabled }) => enabled)
    .flatMap(({ definition }) => deliverSteps(definition.steps).flatMap(({ deliver }) => deliver.to))
  if (named.length > ruleLimits.namedDestinations)
    throw limitReached(
      `The enabled rules of an environment can reference destinations at most ${ruleLimits.namedDestinations} times in total; this change would make it ${named.length}.`,
    )
  requirePlannable(rules)
}

/** The rules' plan for one event must fit into its workflow. */
function requirePlannable(rules: readonly StoredRule[]): void {
  const bytes = estimatePlanBytes(rules.filter(({ enabled }) => enabled).map(({ definition }) => definition))
  if (bytes > maxRulesBytes)
    throw limitReached(
      `The plans of an environment’s enabled rules can take at most ${maxRulesBytes} bytes for one event; with this change they could take ${bytes}. Shorten filters, or remove steps or destinations.`,
    )
}

function limitReached(detail: string): ApiError {
  return new ApiError('limit_reached', detail)
}

/** Merges field by field; each field is replaced as a whole. */
function merge(current: RuleDefinition, change: RuleChange): RuleDefinition {
  return plainDefinition({
    name: change.name ?? current.name,
    when: change.when ?? current.when,
    steps: change.steps ?? current.steps,
    quietHours: replaced(current.quietHours, change.quietHours),
    digest: replaced(current.digest, change.digest),
    throttle: replaced(current.throttle, change.throttle),
    dedupe: replaced(current.dedupe, change.dedupe),
    exclusive: replaced(current.exclusive, change.exclusive),
  })
}

function replaced<Value>(current: Value | undefined, given: Value | null | undefined): Value | undefined {
  return given === null ? undefined : (given ?? current)
}
