import type { Db } from '../../db/client.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import type { JsonObject } from '../../domain/event.ts'
import type { SecretKeys } from '../../domain/crypto/secret-box.ts'
import { masked } from './apply/destinations.ts'
import { toOwner } from './apply/apply.ts'
import { describeRule, describeTemplate } from './describe.ts'
import { documentVersion, type Kind } from './document.ts'
import { namesById, readStored, type Named } from './stored.ts'

/**
 * Returns an environment as a document, and the destinations that it omits. The same environment always gives the same document.
 */
export async function exportConfiguration(
  { db, secretKeys }: { db: Db; secretKeys: SecretKeys },
  scope: Scope,
): Promise<{ document: JsonObject; left: string[] }> {
  const stored = await db.$transaction((tx) => readStored(tx, secretKeys, scope), {
    isolationLevel: 'RepeatableRead',
  })
  const names = {
    destinations: namesById('destination', stored.destinations),
    templates: namesById('template', stored.templates),
  }
  const own = stored.destinations.filter((destination) => toOwner(destination) === undefined)
  const owned = stored.destinations.filter((destination) => toOwner(destination) !== undefined)
  const rules = stored.rules.map((rule) => ({ ...rule, name: rule.definition.name }))
  const document = {
    switchyard: documentVersion,
    environment: scope.environment,
    destinations: listEntries('destination', byName(own), masked, stored.destinations),
    templates: listEntries('template', byName(stored.templates), describeTemplate),
    rules: listEntries('rule', rules, (rule) => describeRule(rule, names)),
  }
  return { document, left: byName(owned).map(({ name }) => name) }
}

/** Returns the entries, with an id if the name is ambiguous. */
function listEntries<Thing extends Named>(
  kind: Kind,
  things: readonly Thing[],
  describe: (thing: Thing) => JsonObject,
  beside: readonly Named[] = things,
): JsonObject[] {
  const names = namesById(kind, beside)
  return things.map((thing) => {
    const { name = '', ...rest } = describe(thing)
    return names.get(thing.id) === thing.id ? { id: thing.id, name, ...rest } : { name, ...rest }
  })
}

/** Sorts by code points, because collations differ between machines. */
function byName<Thing extends Named>(things: readonly Thing[]): Thing[] {
  const before = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return [...things].sort((a, b) => before(a.name, b.name) || before(a.id, b.id))
}
