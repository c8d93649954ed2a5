import type { Tx } from '../../db/client.ts'
import { openDestination, type Destination, type Scope } from '../../db/destinations/destinations.ts'
import { listRules, type StoredRule } from '../../db/rules.ts'
import { openTemplate, type Template } from '../../db/templates.ts'
import type { SecretKeys } from '../../domain/crypto/secret-box.ts'
import type { Kind } from './document.ts'

/** The configuration of one environment: destinations and templates by age, oldest first, and rules in their order. */
export interface Stored {
  destinations: Destination[]
  templates: Template[]
  rules: StoredRule[]
}

/** Must be called in a transaction that sees a single state of the database or holds the tenant's lock. */
export async function readStored(
  tx: Tx,
  secretKeys: SecretKeys,
  { tenantId, environment }: Scope,
): Promise<Stored> {
  const which = { where: { tenantId, environment }, orderBy: { id: 'asc' } } as const
  const destinations = await tx.destination.findMany(which)
  const templates = await tx.template.findMany(which)
  return {
    destinations: destinations.map((row) => openDestination(row, secretKeys)),
    templates: templates.map(openTemplate),
    rules: await listRules(tx, { tenantId, environment }),
  }
}

/** Identifies a thing for people and documents. */
export interface Named {
  id: string
  name: string
}

export const prefixes: Record<Kind, string> = { destination: 'dst_', template: 'tpl_', rule: 'rul_' }

/** Returns the names that a document uses: a thing's name, or its id if the name is ambiguous or looks like an id. */
export function namesById(kind: Kind, things: readonly Named[]): ReadonlyMap<string, string> {
  const count = new Map<string, number>()
  for (const { name } of things) count.set(name, (count.get(name) ?? 0) + 1)
  return new Map(
    things.map(({ id, name }) => [id, count.get(name) === 1 && !looksLikeId(kind, name) ? name : id]),
  )
}

export function looksLikeId(kind: Kind, text: string): boolean {
  return text.startsWith(prefixes[kind])
}
