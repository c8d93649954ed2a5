import { typeid } from 'typeid-js'
import type { JsonObject } from '../domain/event.ts'
import type { Tx } from './client.ts'

/** Who did what, to be written in the same transaction as what was done. */
export interface AuditRecord {
  /** Absent where it is no tenant's: platform keys. */
  tenantId?: string | undefined
  environment?: string | undefined
  keyId: string
  /** The caller's network address. */
  address?: string | undefined
  /** As in `api-secret.rotated`: a thing, a dot, what was done to it. */
  action: string
  /** The id of what it was done to. */
  subject?: string | undefined
  /** What it was, and what it is now, as an answer of the API shows it: secrets masked. */
  before?: JsonObject | undefined
  after?: JsonObject | undefined
}

export async function recordAudit(db: Tx, record: AuditRecord): Promise<void> {
  await db.auditEntry.create({ data: { id: typeid('aud').toString(), ...record } })
}
