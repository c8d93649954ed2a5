import { isDeepStrictEqual } from 'node:util'
import { doAudited, recordAudit, type AuditRecord } from '../../db/audit/audit.ts'
import type { Db, Tx } from '../../db/client.ts'
import type { JsonObject } from '../../domain/event.ts'
import type { Writer } from '../auth/caller.ts'

/** The part of an `AuditRecord` that describes the action. */
export type Done = Pick<AuditRecord, 'action' | 'subject' | 'before' | 'after'>

/** Records a change in the transaction that makes it. */
export function audit(tx: Tx, writer: Writer, done: Done): Promise<void> {
  return recordAudit(tx, toRecord(writer, done))
}

/** Records an action outside the database, such as a signal to a workflow, and performs it; see `doAudited`. */
export function actAudited<Result>(
  db: Db,
  writer: Writer,
  done: Done,
  act: () => Promise<Result>,
): Promise<Result> {
  return doAudited(db, toRecord(writer, done), act)
}

function toRecord({ scope, keyId, address }: Writer, done: Done): AuditRecord {
  return { ...scope, keyId, address, ...done }
}

/** Fields that are not compared. The audit entry has its own time. */
const times = ['updatedAt', 'statusAt']

/**
 * Returns the fields that differ between two replies of the API, or `undefined` if none does. `also` names fields that changed
 * although they look the same, because they are masked secrets.
 */
export function diffFields(
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

/** Converts a reply of the API to plain JSON for the audit log. */
export function asJson(shown: object): JsonObject {
  return JSON.parse(JSON.stringify(shown)) as JsonObject
}
