import { ExactNumber } from '../../domain/json/exact-number.ts'
import { invalid, type FieldError } from '../errors.ts'
import { unkeptProblem } from './exact-numbers.ts'

/**
 * Refuses settings that cannot be stored exactly, with the path of each value: PostgreSQL stores no NUL and no unpaired surrogate,
 * and JavaScript represents no integer beyond 2^53 exactly, but JSON can contain them all. Events are not checked, because Temporal
 * stores them unchanged.
 */
export function requireStorable(value: unknown): void {
  const problems = unstorable(value, [])
  if (problems.length > 0) throw invalid(problems)
}

export function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed()
}

function unstorable(value: unknown, path: string[]): FieldError[] {
  if (typeof value === 'string') return isStorable(value) ? [] : [problemAt(path)]
  if (value instanceof ExactNumber) return [unkeptProblem(path, value)]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    isStorable(key) ? unstorable(inner, [...path, key]) : [problemAt(path)],
  )
}

function problemAt(path: string[]): FieldError {
  return { path: path.join('.') || '(body)', message: 'must not contain NUL characters or invalid Unicode' }
}
