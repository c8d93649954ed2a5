import type { Tx } from './client.ts'

/** The paths in a tenant's events whose values are not shown. Asked at every reading, so that a change counts at once. */
export async function redactedPaths(db: Tx, id: string): Promise<string[]> {
  const tenant = await db.tenant.findUnique({ where: { id }, select: { redact: true } })
  return tenant?.redact ?? []
}
