import type { Tx } from './client.ts'

/** The redacted paths of a tenant's events. Read every time, so that a change applies at once. */
export async function redactedPaths(db: Tx, id: string): Promise<string[]> {
  const tenant = await db.tenant.findUnique({ where: { id }, select: { redact: true } })
  return tenant?.redact ?? []
}
