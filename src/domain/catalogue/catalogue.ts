import type { JsonObject } from '../event.ts'

/** One event type of a contract. `sample` is what an event's `data` looks like; an alias is another name in use. */
export interface CatalogueEntry {
  type: string
  description: string
  sample: JsonObject
  aliases?: readonly string[]
}

/** Types that a contract names together. `description` is empty where its document gives none. */
export interface CatalogueGroup {
  name: string
  description: string
  types: readonly CatalogueEntry[]
}

/** The event types of one adopted contract, in its document's order. */
export interface Catalogue {
  contract: string
  groups: readonly CatalogueGroup[]
}
