import { distance } from 'fastest-levenshtein'
import type { Catalogue, CatalogueEntry } from './catalogue.ts'
import { dataspike } from './dataspike.ts'
import { kycWebhooks } from './kyc-webhooks.ts'
import { smartKyc } from './smart-kyc.ts'
import { switchyard } from './switchyard.ts'
import { webhooksApi } from './webhooks-api.ts'

/** All adopted contracts and Switchyard's own events. A type or alias occurs only once in all of them. */
export const catalogues: readonly Catalogue[] = [webhooksApi, dataspike, kycWebhooks, smartKyc, switchyard]

const entries = catalogues.flatMap(({ groups }) => groups.flatMap(({ types }) => types))
const entryByName = new Map(
  entries.flatMap((entry) => [entry.type, ...(entry.aliases ?? [])].map((name) => [name, entry] as const)),
)

/** The name of every type in the catalogues' order, without aliases. */
export const catalogueTypes: readonly string[] = entries.map(({ type }) => type)

/** The entry whose name or alias is exactly `type`. */
export function findEntry(type: string): CatalogueEntry | undefined {
  return entryByName.get(type)
}

const maxSuggestions = 3

/**
 * Up to three names that a mistyped `type` may have meant, nearest first; empty if none is similar. Names that contain the typed
 * text come before names that only resemble it: `case` means `case.opened`, not `test`.
 */
export function nearestTypes(type: string, among: readonly string[]): string[] {
  const typed = type.toLowerCase()
  const farthest = Math.min(Math.max(3, typed.length / 2), typed.length - 1) // or any short text would do
  return among
    .map((name) => ({ name, ...compare(name.toLowerCase(), typed) }))
    .filter(({ holds, edits }) => holds || edits <= farthest)
    .sort((a, b) => Number(b.holds) - Number(a.holds) || a.edits - b.edits)
    .slice(0, maxSuggestions)
    .map(({ name }) => name)
}

/** Returns whether a name contains the typed text (as a prefix or a dotted part), and their edit distance. */
function compare(name: string, typed: string): { holds: boolean; edits: number } {
  const holds = typed !== '' && (name.startsWith(typed) || name.split('.').includes(typed))
  return { holds, edits: distance(name, typed) }
}
