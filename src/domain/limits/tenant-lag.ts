/** A tenant whose load delays a worker's tasks, and by how much. */
export interface TenantLag {
  tenantId: string
  lateMs: number
}
