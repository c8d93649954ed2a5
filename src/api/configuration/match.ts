import type { JsonObject } from '../../domain/event.ts'
import { readSection, type Kind } from './document.ts'
import type { Problems } from './problems.ts'
import type { Named } from './stored.ts'

/** An entry of a document and the stored thing that it matches, if any. Otherwise the thing is created. */
export interface Entry<Thing> {
  /** The entry's path, as in `destinations.0`. */
  path: string
  given: JsonObject
  /** Trimmed, as it is stored. Empty if it is not a string. */
  name: string
  stored: Thing | undefined
  /** True if the stored thing could not be determined. The document is refused then, and the entry is only validated. */
  unclear: boolean
}

export interface Matched<Thing> {
  entries: Entry<Thing>[]
  /** Stored things that no entry matches. */
  rest: Thing[]
}

/**
 * Matches each entry to a stored thing: the one with the entry's id, or else the only one with its name that no other entry claims
 * by id. A thing for which `owner` returns an owner cannot be changed by documents: it is neither in an entry nor in the rest.
 */
export function matchEntries<Thing extends Named>(
  kind: Kind,
  given: readonly JsonObject[],
  stored: readonly Thing[],
  problems: Problems,
  owner: (thing: Thing) => string | undefined = () => undefined,
): Matched<Thing> {
  const claimed = new Set<Thing>()
  const unnamed = given.map((entry, index) => ({
    path: `${readSection[kind]}.${index}`,
    given: entry,
    name: typeof entry.name === 'string' ? entry.name.trim() : '',
  }))
  const byId = unnamed.map((entry): Entry<Thing> | undefined => {
    const { path, given } = entry
    const { id } = given
    if (typeof id !== 'string') return undefined
    const found = stored.find((thing) => thing.id === id)
    const problem = idProblem(kind, found, found && (owner(found) ?? isClaimed(claimed, found)))
    if (problem !== undefined) problems.add(`${path}.id`, problem)
    else if (found) claimed.add(found)
    return { ...entry, stored: found, unclear: problem !== undefined }
  })
  const free = stored.filter((thing) => !claimed.has(thing))
  const entries = unnamed.map((entry, index): Entry<Thing> => {
    const known = byId[index]
    if (known) return known
    const sameName = free.filter(({ name }) => name === entry.name)
    const own = sameName.filter((thing) => owner(thing) === undefined)
    const twin = unnamed.find((other) => other !== entry && other.name === entry.name && entry.name !== '')
    const problem = nameProblem(kind, own, twin, own.length === 0 ? sameName.map(owner)[0] : undefined)
    if (problem !== undefined) problems.add(`${entry.path}.name`, problem)
    // Claims the thing even if the entry is ambiguous, because it must not be deleted before the entry is checked.
    if (own[0]) claimed.add(own[0])
    return { ...entry, stored: own[0], unclear: problem !== undefined }
  })
  return { entries, rest: free.filter((thing) => !claimed.has(thing) && owner(thing) === undefined) }
}

function isClaimed<Thing>(claimed: ReadonlySet<Thing>, found: Thing): string | undefined {
  return claimed.has(found) ? 'another entry in the document' : undefined
}

function idProblem(kind: Kind, found: Named | undefined, holder: string | undefined): string | undefined {
  if (!found) return `is not a ${kind} in this environment; omit the id to create one`
  return holder === undefined ? undefined : `belongs to ${holder}`
}

function nameProblem(
  kind: Kind,
  own: readonly Named[],
  twin: { path: string } | undefined,
  holder: string | undefined,
): string | undefined {
  if (twin) return `is also the name of ${twin.path}; give each its \`id\`, or use different names`
  if (holder !== undefined) return `belongs to ${holder}; choose another name`
  if (own.length <= 1) return undefined
  const ids = own.map(({ id }) => id).join(', ')
  return `is the name of ${own.length} ${kind}s; set \`id\` to one of ${ids}`
}
