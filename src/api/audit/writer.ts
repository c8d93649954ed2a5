import { isDeepStrictEqual } from 'node:util'
import { doAudited, recordAudit, type AuditRecord } from '../../db/audit/audit.ts'
import type { Db, Tx } from '../../db/client.ts'
import type { JsonObject } from '../../domain/event.ts'
import { scopeOf, type TenantCaller } from '../auth/caller.ts'

/** Who writes to a tenant's settings, from where. */
export interface Writer {
  caller: TenantCaller
  /** The caller's network address. */
  address: string | undefined
}

/** What was done; see `AuditRecord`. */
export type Done = Pick<AuditRecord, 'action' | 'subject' | 'before' | 'after'>

/** Records what a tenant's key did, in the transaction that does it. */
export function audit(tx: Tx, writer: Writer, done: Done): Promise<void> {
  return recordAudit(tx, recordOf(writer, done))
}

/** Likewise of what is done elsewhere than in the database; see `doAudited`. */
export function actAudited<Result>(
  db: Db,
  writer: Writer,
  done: Done,
  act: () => Promise<Result>,
): Promise<Result> {
  return doAudited(db, recordOf(writer, done), act)
}

function recordOf({ caller, address }: Writer, done: Done): AuditRecord {
  return { ...scopeOf(caller), keyId: caller.keyId, address, ...done }
}

/** These say no more than the entry itself does. */
const times = ['updatedAt', 'statusAt']

/**
 * The fields that differ of two answers of the API, or `undefined` where none does. `also` names fields that have changed
 * although they look the same: secrets that are masked.
 */
export function changesOf(
  before: object,
  after: object,
  also: readonly string[] = [],
): { before: JsonObject; after: JsonObject } | undefined {
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  const names = [...new Set([...old.keys(), ...now.keys()])].filter(
    (name) =>
      !times.includes(name) && (also.includes(name) || !isDeepStrictEqual(old.get(name), now.get(name))),
  )
  if (names.length === 0) return undefined
  const only = (values: Map<string, unknown>) =>
    Object.fromEntries(names.filter((name) => values.has(name)).map((name) => [name, values.get(name)]))
  return { before: asJson(only(old)), after: asJson(only(now)) }
}

/** An answer of the API, whole. */
export function asJson(shown: object): JsonObject {
  return JSON.parse(JSON.stringify(shown)) as JsonObject
}
