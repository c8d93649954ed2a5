import { itemTexts, keepText, memberText, membersIn } from '../../../domain/json/json-text.ts'
import { shapeProblem } from './shape.ts'
import { invalid } from '../../errors.ts'
import { unkeptNumbers } from '../../fields/exact-numbers.ts'
import { repeatedName } from './repeated-name.ts'
import type { Route } from '../route.ts'

type Where = Pick<Route, 'dataAt' | 'itemsAt'>

/**
 * Checks a JSON body that was parsed from `text`, before any schema sees it. Keeps in it what parsing would lose: the text of an
 * event's data and, elsewhere, numbers that JavaScript cannot represent.
 */
export function requirePosted(body: unknown, text: string, { dataAt, itemsAt }: Where): void {
  if (itemsAt !== undefined) return keepItems(body, text, itemsAt)
  requireShape(body)
  requireUniqueKeys(text)
  if (dataAt !== undefined) keepData(body, text, dataAt)
  keepNumbers(body, text, dataAt)
}

/** Runs the same checks for one item of a batch. Paths in errors begin with `path`. */
export function requirePostedItem(item: unknown, text: string, path: string): void {
  requireShape(item, path)
  requireUniqueKeys(text, path)
  keepData(item, text, 'data')
}

/** Refuses a value that is nested too deeply, is too large, or would change the prototype of objects. */
export function requireShape(value: unknown, prefix?: string): void {
  const problem = shapeProblem(value)
  if (problem) throw invalid([{ ...problem, path: below(prefix, problem.path) }])
}

/**
 * Rejects duplicate keys. Our parser keeps the last of them and a receiver's may keep the first, but both must read the value that
 * was checked.
 */
function requireUniqueKeys(text: string, prefix?: string): void {
  const repeated = repeatedName(text)
  if (repeated !== undefined) throw duplicateKey(below(prefix, repeated))
}

function duplicateKey(path: string) {
  return invalid([{ path, message: 'is a duplicate key' }])
}

function below(prefix: string | undefined, path: string): string {
  if (prefix === undefined) return path
  return path === '(body)' ? prefix : `${prefix}.${path}`
}

/** Checks everything around the items. Each item keeps its text for `requirePostedItem`. */
function keepItems(body: unknown, text: string, itemsAt: string): void {
  const members = [...membersIn(text)]
  const names = members.map(({ name = '' }) => name)
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) throw duplicateKey(repeated)
  const list = members.find(({ name }) => name === itemsAt)
  const items = valueAt(body, [itemsAt])
  if (!list || !Array.isArray(items)) return requireShape(body)
  requireShape({ ...(body as object), [itemsAt]: [] })
  const texts = itemTexts(list.text)
  for (const [index, item] of items.entries()) keepText<unknown>(item, texts[index] ?? '')
}

function keepData(body: unknown, text: string, dataAt: string): void {
  const path = dataAt.split('.')
  const data = memberText(text, ...path)
  if (data !== undefined) keepText(valueAt(body, path), data)
}

/** Keeps numbers everywhere except in an event's data, whose text is kept. */
function keepNumbers(body: unknown, text: string, dataAt: string | undefined): void {
  for (const { path, number } of unkeptNumbers(text)) {
    if (dataAt !== undefined && path.join('.').startsWith(`${dataAt}.`)) continue
    const [name = '', ...above] = path.toReversed()
    const holder = valueAt(body, above.toReversed())
    if (typeof holder === 'object' && holder !== null) Object.assign(holder, { [name]: number })
  }
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => {
    const isThere = typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)
    return isThere ? (inner as Record<string, unknown>)[name] : undefined
  }, value)
}
