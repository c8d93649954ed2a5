import { closest, distance } from 'fastest-levenshtein'
import type { Json, JsonObject } from '../../domain/event.ts'
import { truncate } from '../../domain/truncate.ts'
import type { Kind } from './document.ts'
import type { Problems } from './problems.ts'
import { mapDelivers } from './steps.ts'
import { looksLikeId, prefixes, type Named } from './stored.ts'

/** A thing that a document can name once it is applied. It has no id if its entry was invalid and therefore not written. */
export interface Nameable {
  id?: string
  name: string
}

/** The things of a kind that exist once the document is applied, and those that it deletes. */
export interface Reachable {
  things: readonly Nameable[]
  gone: readonly Named[]
}

type Resolve = (text: string) => { id: string } | { problem: string }

/**
 * Replaces names by ids in steps. Unknown names are recorded as problems and replaced by a placeholder: an id prefix without an id.
 */
export function resolveNames(
  steps: Json,
  path: string,
  reachable: Record<'destinations' | 'templates', Reachable>,
  problems: Problems,
): Json {
  const destination = createResolver('destination', reachable.destinations, problems)
  const template = createResolver('template', reachable.templates, problems)
  const idOf = (given: Json, at: string, kind: Kind, resolve: Resolve): Json => {
    if (typeof given !== 'string') return given
    const resolved = resolve(given)
    if ('id' in resolved) return resolved.id
    problems.add(`${path}.${at}`, resolved.problem)
    return prefixes[kind]
  }
  return mapDelivers(steps, 'steps', (deliver, at): JsonObject => {
    const { to, template: named } = deliver
    return {
      ...deliver,
      ...(Array.isArray(to) && {
        to: to.map((one, index) => idOf(one, `${at}.to.${index}`, 'destination', destination)),
      }),
      ...(named !== undefined && { template: idOf(named, `${at}.template`, 'template', template) }),
    }
  })
}

function createResolver(kind: Kind, { things, gone }: Reachable, problems: Problems): Resolve {
  return (given) => {
    const text = given.trim()
    if (things.some(({ id }) => id === text)) return { id: text }
    const named = things.filter(({ name }) => name === text)
    if (named.length === 1) return { id: named[0]?.id ?? prefixes[kind] }
    if (named.length > 1) return { problem: `is the name of ${named.length} ${kind}s; use an id instead` }
    if (gone.some(({ id, name }) => id === text || name === text))
      return {
        problem: `references a ${kind} that is not in the document and would be deleted: ${quote(text)}`,
      }
    // An id that was deleted earlier is kept in a rule that does not change.
    if (looksLikeId(kind, text)) return { id: text }
    const names = problems.enough ? [] : things.map(({ name }) => name)
    return { problem: `references an unknown ${kind}: ${quote(text)}.${suggestion(text, names)}` }
  }
}

const maxNameLength = 200

function suggestion(text: string, names: readonly string[]): string {
  const known = names.filter((name) => name !== '')
  if (known.length === 0 || text.length > maxNameLength) return ''
  const nearest = closest(text, known)
  const isNear = distance(text, nearest) <= Math.max(2, text.length / 4)
  return isNear ? ` Did you mean ${quote(nearest)}?` : ''
}

function quote(text: string): string {
  return `“${truncate(text, maxNameLength)}”`
}
