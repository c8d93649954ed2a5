import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import type { JsonObject } from '../../domain/event.ts'
import { formatYaml } from '../yaml.ts'
import type { Kind } from './document.ts'

export const changeKinds = ['created', 'changed', 'deleted', 'unchanged'] as const

/** What applying a document does to one thing. */
export interface Change {
  kind: Kind
  name: string
  id: string
  change: (typeof changeKinds)[number]
  /** Unified, of its YAML before and after. */
  diff?: string
}

/** One side of a diff. */
export interface Side {
  entry: JsonObject
  /** A rule's place in the order, where that changes. */
  place?: number | undefined
}

export function changeOf(
  kind: Kind,
  { id, name }: { id: string; name: string },
  { before, after }: { before?: Side | undefined; after?: Side | undefined },
): Change {
  const diff = createTwoFilesPatch(
    before ? `${kind} ${name}` : '/dev/null',
    after ? `${kind} ${name}` : '/dev/null',
    textOf(before),
    textOf(after),
    undefined,
    undefined,
    { context: 3, headerOptions: FILE_HEADERS_ONLY },
  )
  return { kind, name, id, change: before ? (after ? 'changed' : 'deleted') : 'created', diff }
}

function textOf(side: Side | undefined): string {
  if (!side) return ''
  const { entry, place } = side
  return formatYaml(entry, { comment: place === undefined ? undefined : ` place ${place} in the order` })
}
