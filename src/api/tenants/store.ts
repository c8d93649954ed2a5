import type { Tx } from '../../db/client.ts'
import type { Tenant } from '../../db/generated/client.ts'
import { notFound } from '../errors.ts'

/** The tenant that a path names, or 404. */
export async function findTenant(db: Tx, id: string): Promise<Tenant> {
  const tenant = await db.tenant.findUnique({ where: { id } })
  if (!tenant) throw notFound('tenant')
  return tenant
}
