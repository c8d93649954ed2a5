import { ApiError } from '../errors.ts'

/** Permissions of a tenant's key, each a resource and a verb. A route requires exactly one of them. */
export const scopes = [
  'events:read',
  'events:write',
  'events:erase',
  'deliveries:read',
  'deliveries:write',
  'replays:read',
  'replays:write',
  'destinations:read',
  'destinations:write',
  'rules:read',
  'rules:write',
  'templates:read',
  'templates:write',
  'event-types:read',
  'event-types:write',
  'configuration:read',
  'configuration:write',
  'secrets:read',
  'secrets:write',
  'keys:read',
  'keys:write',
  'audit:read',
] as const
export type RouteScope = (typeof scopes)[number]

/** Scopes that include several others. No route requires them directly. */
const umbrellas = ['settings:read', 'settings:write'] as const

/** Every scope that a key can be given. `*` includes all scopes, also future ones. */
export const keyScopes = ['*', ...umbrellas, ...scopes] as const
type KeyScope = (typeof keyScopes)[number]

/**
 * Scopes that another scope includes. Keys created before each resource had its own scope rely on this table, so entries are never
 * removed. New and more powerful scopes (erasing, keys) are not added, because an existing key must not gain permissions.
 */
const implied: Partial<Record<KeyScope, readonly RouteScope[]>> = {
  'events:read': ['deliveries:read', 'replays:read'],
  'events:write': ['deliveries:write', 'replays:write'],
  'settings:read': [
    'destinations:read',
    'rules:read',
    'templates:read',
    'event-types:read',
    'configuration:read',
    'audit:read',
  ],
  'settings:write': [
    'destinations:write',
    'rules:write',
    'templates:write',
    'event-types:write',
    'configuration:write',
    'secrets:write',
  ],
}

/** Checks a scope in addition to the route's own, for example for a field that creates a secret. */
export function requireScope({ scopes: granted }: { scopes: readonly string[] }, wanted: RouteScope): void {
  if (!allows(granted, wanted)) throw new ApiError('forbidden', `This key lacks the scope ${wanted}.`)
}

/** Returns whether a key with these scopes has the wanted permission. A key may grant other keys only scopes that this allows. */
export function allows(granted: readonly string[], wanted: string): boolean {
  return granted.some((scope) => scope === '*' || scope === wanted || impliedBy(scope).includes(wanted))
}

function impliedBy(scope: string): readonly string[] {
  const known = keyScopes.find((name) => name === scope)
  return (known && implied[known]) ?? []
}
