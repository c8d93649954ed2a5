import { recordAudit, type AuditRecord } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import { scopeOf, type TenantCaller } from './route.ts'

/** Who writes to a tenant's settings, from where. */
export interface Writer {
  caller: TenantCaller
  /** The caller's network address. */
  address: string | undefined
}

/** Records what a tenant's key did, in the transaction that does it. */
export function audit(
  tx: Tx,
  { caller, address }: Writer,
  done: Pick<AuditRecord, 'action' | 'subject' | 'before' | 'after'>,
): Promise<void> {
  return recordAudit(tx, { ...scopeOf(caller), keyId: caller.keyId, address, ...done })
}
