import type { Tx } from '../../db/client.ts'
import type { Tenant } from '../../db/generated/client.ts'
import { notFound } from '../errors.ts'

/** Returns the tenant with the id in the path, or throws 404. */
export async function findTenant(db: Tx, id: string): Promise<Tenant> {
  const tenant = await db.tenant.findUnique({ where: { id } })
  if (!tenant) throw notFound('tenant')
  return tenant
}
