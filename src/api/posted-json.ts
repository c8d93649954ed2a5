import { itemTexts, keepText, membersIn } from '../domain/json-text.ts'
import { shapeProblem } from './body-shape.ts'
import { invalid } from './errors.ts'
import { unkeptNumbers } from './exact-numbers.ts'
import { repeatedName } from './repeated-name.ts'
import type { Route } from './route.ts'

/** Checks a JSON body, which was parsed from `text`, before any schema sees it. */
export function requirePosted(body: unknown, text: string, { itemsAt }: Pick<Route, 'itemsAt'>): void {
  if (itemsAt !== undefined) return keepItems(body, text, itemsAt)
  requireShape(body)
  requireExact(text)
}

/** The same checks for one item of a batch, whose path errors begin with. */
export function requirePostedItem(item: unknown, text: string, path: string): void {
  requireShape(item, path)
  requireExact(text, path)
}

/** Refuses what is nested too deeply, too large, or would change the prototype of objects. */
export function requireShape(value: unknown, prefix?: string): void {
  const problem = shapeProblem(value)
  if (problem) throw invalid([{ ...problem, path: below(prefix, problem.path) }])
}

/** Refuses what JSON's parser takes and changes: a receiver must get what was posted. */
function requireExact(json: string, prefix?: string): void {
  const repeated = repeatedName(json)
  if (repeated !== undefined) throw duplicateKey(below(prefix, repeated))
  const problems = unkeptNumbers(json)
  if (problems.length > 0)
    throw invalid(problems.map((problem) => ({ ...problem, path: below(prefix, problem.path) })))
}

function duplicateKey(path: string) {
  return invalid([{ path, message: 'stands twice in one object' }])
}

function below(prefix: string | undefined, path: string): string {
  if (prefix === undefined) return path
  return path === '(body)' ? prefix : `${prefix}.${path}`
}

/** Checks what surrounds the items. Each item keeps its text, for `requirePostedItem`. */
function keepItems(body: unknown, text: string, itemsAt: string): void {
  const members = [...membersIn(text)]
  const names = members.map(({ name = '' }) => name)
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) throw duplicateKey(repeated)
  const list = members.find(({ name }) => name === itemsAt)
  const items: unknown = list && (body as Record<string, unknown>)[itemsAt]
  if (!list || !Array.isArray(items)) return requireShape(body)
  requireShape({ ...(body as object), [itemsAt]: [] })
  const texts = itemTexts(list.text)
  for (const [index, item] of items.entries()) keepText<unknown>(item, texts[index] ?? '')
}
