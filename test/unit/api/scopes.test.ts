import { describe, expect, it } from 'vitest'
import { routes } from '../../../src/api/app.ts'
import { allows, keyScopes, scopes } from '../../../src/api/auth/scopes.ts'

/** Everything that each scope lets a key do, besides itself: a change here changes what keys in use may do. */
const lets: Record<(typeof keyScopes)[number], readonly string[]> = {
  '*': keyScopes,
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
  'events:read': ['deliveries:read', 'replays:read'],
  'events:write': ['deliveries:write', 'replays:write'],
  'events:erase': [],
  'deliveries:read': [],
  'deliveries:write': [],
  'replays:read': [],
  'replays:write': [],
  'destinations:read': [],
  'destinations:write': [],
  'rules:read': [],
  'rules:write': [],
  'templates:read': [],
  'templates:write': [],
  'event-types:read': [],
  'event-types:write': [],
  'configuration:read': [],
  'configuration:write': [],
  'secrets:read': [],
  'secrets:write': [],
  'keys:read': [],
  'keys:write': [],
  'audit:read': [],
}

describe('a scope', () => {
  it.each(keyScopes)('%s allows what the table says and nothing else', (granted) => {
    const allowed = keyScopes.filter((wanted) => allows([granted], wanted))
    expect(new Set(allowed)).toEqual(new Set([granted, ...lets[granted]]))
  })

  it('of several, each allows its own; all of them together are not "*"', () => {
    expect(allows(['rules:read', 'events:write'], 'replays:write')).toBe(true)
    expect(allows(['rules:read', 'events:write'], 'rules:write')).toBe(false)
    expect(allows([...scopes], '*')).toBe(false)
    // The umbrella may come to stand for more.
    expect(allows(lets['settings:read'], 'settings:read')).toBe(false)
  })

  it('that nobody knows allows nothing but itself, and no scope allows nothing', () => {
    expect(keyScopes.filter((wanted) => allows(['settings', 'constructor', ''], wanted))).toEqual([])
    expect(keyScopes.filter((wanted) => allows([], wanted))).toEqual([])
  })

  it('is there for some route: a key cannot be given what means nothing', () => {
    const wanted = Object.values(routes).flatMap((list) =>
      list.flatMap(({ access }) => (access === 'platform' ? [] : [access.scope])),
    )
    expect([...new Set(wanted)].sort()).toEqual([...scopes].sort())
  })
})
