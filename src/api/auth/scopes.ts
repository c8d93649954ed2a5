import { ApiError } from '../errors.ts'

/** What a tenant's key can be allowed to do: a resource and a verb. A route wants exactly one of them. */
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

/** What stands for several scopes and is none that a route wants. */
const umbrellas = ['settings:read', 'settings:write'] as const

/** What a key can be given. `*` is all there is, and all that there will be. */
export const keyScopes = ['*', ...umbrellas, ...scopes] as const
type KeyScope = (typeof keyScopes)[number]

/**
 * What a scope brings along. Keys from before there was a scope for each resource go on by it, so nothing is ever taken out
 * here; what is new and stronger (erasing, keys) is not put in, for a key must not come to more than it was given for.
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

/** For what a route's own scope does not cover, such as a field that makes a secret. */
export function requireScope({ scopes: granted }: { scopes: readonly string[] }, wanted: RouteScope): void {
  if (!allows(granted, wanted)) throw new ApiError('forbidden', `This key lacks the scope ${wanted}.`)
}

/** Whether a key with these scopes may do this, or give this to another key. */
export function allows(granted: readonly string[], wanted: string): boolean {
  return granted.some((scope) => scope === '*' || scope === wanted || impliedBy(scope).includes(wanted))
}

function impliedBy(scope: string): readonly string[] {
  const known = keyScopes.find((name) => name === scope)
  return (known && implied[known]) ?? []
}
