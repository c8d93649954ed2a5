import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import { changedPaths } from '../../domain/json/changed-paths.ts'
import type { Json, JsonObject } from '../../domain/event.ts'
import { truncate } from '../../domain/truncate.ts'
import type { AuditEntry } from '../generated/client.ts'

/** The chain of entries that belong to no tenant. */
export const platformChain = 'platform'

/**
 * Each environment of a tenant has its own chain, and so have the entries about the tenant as a whole. In a shared chain the
 * sequence numbers would tell a sandbox key how often production changes.
 */
export function chainName(tenantId: string, environment?: string): string {
  return environment === undefined ? tenantId : `${tenantId}/${environment}`
}

/** An entry but for its own hash. */
export type UnhashedEntry = Omit<AuditEntry, 'hash' | 'before' | 'after'> & {
  before: unknown
  after: unknown
}

/**
 * SHA-256 (hex) of an entry as it is read back: its fields as JSON with sorted keys, without nulls. `jsonb` preserves neither the
 * order of keys nor the spelling of numbers, so the hash depends on neither.
 */
export function hashEntry(entry: UnhashedEntry): string {
  const { id, at, tenantId, environment, keyId, address, action, subject, session, before, after } = entry
  const { chain, sequence, previousHash } = entry
  const who = { tenantId, environment, keyId, address, session }
  const what = { action, subject, before, after }
  const place = { chain, sequence, previousHash }
  const fields = Object.entries({ id, at: at.toISOString(), ...who, ...what, ...place })
  const given = fields.filter(([, value]) => value !== null && value !== undefined)
  return sha256(stringify(Object.fromEntries(given)))
}

const maxValueBytes = 8 * 1024
const maxEntryBytes = 64 * 1024
const maxChangedPaths = 20
const maxPathLength = 200

type Values = JsonObject | undefined

/**
 * The values that an entry keeps. A field of more than 8 KiB, and then the largest fields until `before` and `after` fit into 64 KiB
 * together, are replaced by their size, their hash and, where the field was changed, the paths that differ.
 */
export function withinBounds(before: Values, after: Values): { before: Values; after: Values } {
  const kept = { before: before && { ...before }, after: after && { ...after } }
  const fields = [kept.before, kept.after].flatMap((side) =>
    Object.keys(side ?? {}).map((name) => ({ side: side ?? {}, name, bytes: jsonBytes(side?.[name]) })),
  )
  fields.sort((a, b) => b.bytes - a.bytes)
  let total = fields.reduce((sum, { name, bytes }) => sum + jsonBytes(name) + bytes + 2, 0)
  for (const { side, name, bytes } of fields) {
    if (bytes <= maxValueBytes && total <= maxEntryBytes) break
    side[name] = {
      omitted: bytes,
      sha256: sha256(stringify(side[name]) ?? ''),
      ...(side === kept.after && fieldChanges(before?.[name], after?.[name])),
    }
    total += jsonBytes(side[name]) - bytes
  }
  return kept
}

/** Empty for a field that is new. The path of the field itself is not repeated. */
function fieldChanges(before: Json | undefined, after: Json | undefined): JsonObject {
  if (before === undefined) return {}
  const paths = changedPaths(before, after, maxChangedPaths).filter((path) => path !== '')
  return paths.length > 0 ? { changed: paths.map((path) => truncate(path, maxPathLength)) } : {}
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(stringify(value) ?? '')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
