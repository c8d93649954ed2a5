/** A tenant whose load delays a worker's tasks, and for how long. */
export interface TenantLag {
  tenantId: string
  lateMs: number
}
