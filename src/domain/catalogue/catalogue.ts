import type { JsonObject } from '../event.ts'

/** One event type of a contract. `sample` is an example of an event's `data`; an alias is another name in use. */
export interface CatalogueEntry {
  type: string
  description: string
  sample: JsonObject
  aliases?: readonly string[]
}

/** A group of types in a contract. `description` is empty if its document has none. */
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
