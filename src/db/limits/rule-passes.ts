import type { Event } from '../../domain/event.ts'
import type { Verdicts } from '../../domain/filters/filters.ts'
import { matchingRules, type HeldBack } from '../../domain/rules/matching.ts'
import { heldBackBy, passLimits, type PassLimit } from '../../domain/rules/passes.ts'
import type { Rule } from '../../domain/rules/rule.ts'
import type { Db, Tx } from '../client.ts'

/** Events that count together wait for each other; a burst of them may wait for a connection as well. */
const patience = { maxWait: 10_000, timeout: 10_000 }

/** An event that waited for its turn is older than the ones before it: passes are kept this long for it. */
const latenessMs = 60_000

/** One event that asks one rule. */
interface PassRequest {
  ruleId: string
  eventId: string
  limits: PassLimit[]
  at: Date
}

/**
 * Asks a matching rule whether its `dedupe` and `throttle` let an event pass, and counts the event if so. An event held back by
 * one of them counts in neither. Exact under concurrency. Asked again about an event that passed, the answer is the same as long
 * as that counts.
 */
export async function passRule(db: Db, rule: Rule, event: Event, at: Date): Promise<HeldBack | undefined> {
  const asked = ask(rule, event, at)
  if (asked.limits.length === 0) return undefined
  // Passes only accumulate, so an event that is held back without a lock would also be with one and need not wait for it.
  return (await findHeldBack(db, asked)) ?? db.$transaction((tx) => passInTurn(tx, asked), patience)
}

/** The same without counting the event. */
export function peekPasses(db: Tx, rule: Rule, event: Event, at: Date): Promise<HeldBack | undefined> {
  return findHeldBack(db, ask(rule, event, at))
}

/**
 * The matching rules that hold an event back, by id. Each is asked by `passRule`, or by `peekPasses`, one after the other; rules
 * without limits need no query.
 */
export async function rulesHoldingBack(
  db: Db,
  { event, rules, verdicts, at }: { event: Event; rules: readonly Rule[]; verdicts: Verdicts; at: Date },
  ask: typeof passRule,
): Promise<Map<string, HeldBack>> {
  const heldBack = new Map<string, HeldBack>()
  if (!rules.some(({ definition }) => definition.throttle ?? definition.dedupe)) return heldBack
  for (const rule of matchingRules(event, rules, verdicts)) {
    const why = await ask(db, rule, event, at)
    if (why) heldBack.set(rule.id, why)
  }
  return heldBack
}

/** Removes passes that no longer count. Returns their number. */
export async function sweepPasses(db: Db, now: Date): Promise<number> {
  return (await db.rulePass.deleteMany({ where: { endsAt: { lte: now } } })).count
}

function ask(rule: Rule, event: Event, at: Date): PassRequest {
  return { ruleId: rule.id, eventId: event.id, limits: passLimits(rule, event), at }
}

async function passInTurn(tx: Tx, asked: PassRequest): Promise<HeldBack | undefined> {
  // Locks in the order of the limits, to avoid deadlocks.
  for (const { kind, keyHash } of asked.limits)
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`${kind} ${keyHash}`}, 0))`
  const heldBack = await findHeldBack(tx, asked)
  if (heldBack) return heldBack
  for (const limit of asked.limits) await countPass(tx, asked, limit)
  return undefined
}

async function findHeldBack(tx: Tx, asked: PassRequest): Promise<HeldBack | undefined> {
  for (const limit of asked.limits) {
    if (await findOwnPass(tx, asked, limit)) continue
    const { ruleId, at } = asked
    const { kind, keyHash } = limit
    const last = await tx.rulePass.findFirst({
      where: { ruleId, kind, keyHash, at: { gt: since(limit, at) } },
      orderBy: [{ at: 'desc' }, { eventId: 'desc' }],
      skip: limit.limit - 1,
    })
    if (last) return heldBackBy(limit, last, at)
  }
  return undefined
}

/** The event has passed before, which still counts. */
function findOwnPass(tx: Tx, { ruleId, eventId, at }: PassRequest, limit: PassLimit) {
  const { kind, keyHash } = limit
  return tx.rulePass.findFirst({ where: { ruleId, kind, keyHash, eventId, at: { gt: since(limit, at) } } })
}

async function countPass(tx: Tx, asked: PassRequest, limit: PassLimit): Promise<void> {
  if (await findOwnPass(tx, asked, limit)) return
  const { ruleId, eventId, at } = asked
  const { kind, keyHash, spanMs } = limit
  const over = new Date(since(limit, at).getTime() - latenessMs)
  await tx.rulePass.deleteMany({ where: { ruleId, kind, keyHash, at: { lte: over } } })
  const times = { at, endsAt: new Date(at.getTime() + spanMs) }
  await tx.rulePass.upsert({
    where: { ruleId_kind_keyHash_eventId: { ruleId, kind, keyHash, eventId } },
    create: { ruleId, kind, keyHash, eventId, ...times },
    update: times,
  })
}

/** Uses the rule's current span: a shortened one applies at once. */
function since({ spanMs }: PassLimit, at: Date): Date {
  return new Date(at.getTime() - spanMs)
}
