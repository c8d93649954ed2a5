import type { Environment } from '../../domain/event.ts'

export interface PlatformCaller {
  kind: 'platform'
  keyId: string
}

export interface TenantCaller {
  kind: 'tenant'
  keyId: string
  tenantId: string
  environment: Environment
  scopes: string[]
  limits: { apiPerMinute: number; apiBurst: number; ingestPerSecond: number; emailsPerHour: number }
}

/** What a tenant's key reaches, and what a thing of a tenant is in: one tenant and one environment. */
export function scopeOf({ tenantId, environment }: Pick<TenantCaller, 'tenantId' | 'environment'>) {
  return { tenantId, environment }
}

export type Caller = PlatformCaller | TenantCaller
