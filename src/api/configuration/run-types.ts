import type { Writer } from '../auth/caller.ts'
import type { Destination, Scope } from '../../db/destinations/destinations.ts'
import type { StoredRule } from '../../db/rules.ts'
import type { Template } from '../../db/templates.ts'
import type { StoreDeps } from '../destinations/store.ts'
import type { Change } from './changes.ts'
import type { Matched } from './match.ts'
import type { Problems } from './problems.ts'
import type { Nameable } from './references.ts'
import type { Named } from './stored.ts'
import type { Problem } from '../../compute/job.ts'

/** State that all parts of one application share. `store.db` is its transaction, which holds the tenant's lock. */
export interface Run {
  store: StoreDeps
  writer: Writer
  scope: Scope
  problems: Problems
  liquid: LiquidProblems
}

/** The document's entries of each kind, and the things to delete. */
export interface Work {
  destinations: Matched<Destination>
  templates: Matched<Template>
  rules: Matched<StoredRule & Named>
  gone: Gone
}

/** Things to delete: no entry matches them, and the document was to list everything of their kind. */
interface Gone {
  destinations: readonly Destination[]
  templates: readonly Template[]
  rules: readonly (StoredRule & Named)[]
}

export interface Outcome {
  changes: Change[]
  /** The resulting thing of each entry, in the order of the entries. */
  things: Nameable[]
}

/** Liquid errors in the document's templates, by the template's path. */
export type LiquidProblems = ReadonlyMap<string, readonly Problem[]>
