import { typeid } from 'typeid-js'
import type { Tx } from './client.ts'

/** Who did what, to be written in the same transaction as what was done. */
export interface AuditRecord {
  tenantId: string
  environment?: string | undefined
  keyId: string
  /** The caller's network address. */
  address?: string | undefined
  /** As in `api-secret.rotated`: a thing, a dot, what was done to it. */
  action: string
  /** The id of what it was done to. */
  subject?: string | undefined
}

export async function recordAudit(db: Tx, record: AuditRecord): Promise<void> {
  await db.auditEntry.create({ data: { id: typeid('aud').toString(), ...record } })
}
