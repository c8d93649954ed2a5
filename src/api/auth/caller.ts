import type { Scope } from '../../db/destinations/destinations.ts'

export interface PlatformCaller {
  kind: 'platform'
  keyId: string
}

export interface TenantCaller extends Scope {
  kind: 'tenant'
  keyId: string
  scopes: string[]
  limits: { apiPerMinute: number; apiBurst: number; ingestPerSecond: number; emailsPerHour: number }
}

export type Caller = PlatformCaller | TenantCaller

/** The key that makes a change and its network address, for the audit log. */
export interface Actor {
  keyId: string
  address: string | undefined
}

/** A tenant's key that makes a change: its tenant, environment and scopes. */
export interface Writer extends Actor {
  scope: Scope
  scopes: readonly string[]
}

/** Picks the tenant and the environment, the only fields that a query may be scoped by. */
export function toScope({ tenantId, environment }: Scope): Scope {
  return { tenantId, environment }
}

/** Returns the caller in the form that the audit log records. */
export function toActor(caller: Caller, address: string | undefined): Actor | Writer {
  const actor = { keyId: caller.keyId, address }
  return caller.kind === 'tenant' ? { ...actor, scope: toScope(caller), scopes: caller.scopes } : actor
}
