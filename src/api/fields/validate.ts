import { type z } from 'zod'
import { ExactNumber } from '../../domain/json/exact-number.ts'
import { invalid, type FieldError } from '../errors.ts'
import { unkeptProblem } from './exact-numbers.ts'
import { fieldMessage } from './messages.ts'

/** Parses external input, or throws with the path of every invalid field. `prefix` is the path of the value. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  prefix = '',
): z.output<Schema> {
  const parsed = schema.safeParse(value, { error: fieldMessage, reportInput: true })
  if (parsed.success) return parsed.data
  throw invalid(parsed.error.issues.flatMap((issue) => fieldErrors(issue, prefix)))
}

function fieldErrors(issue: z.core.$ZodIssue, prefix: string): FieldError[] {
  const path = joinPath(prefix, issue.path)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: joinPath(prefix, [...issue.path, key]),
        message: 'is not a known field',
      }))
    case 'invalid_type':
      if (issue.input instanceof ExactNumber) return [unkeptProblem(path.split('.'), issue.input)]
      return [{ path, message: issue.input === undefined ? 'is required' : issue.message }]
    case 'invalid_key':
      return issue.issues.map(({ message }) => ({ path, message }))
    case 'invalid_union': {
      // Errors inside the union member that was meant are more helpful than a message that no member matches.
      const meant = issue.errors.find((issues) => issues.every((inner) => inner.path.length > 0))
      if (meant) return meant.flatMap((inner) => fieldErrors(inner, path === '(body)' ? '' : path))
      return [{ path, message: issue.message }]
    }
    default:
      return [{ path, message: issue.message }]
  }
}

function joinPath(prefix: string, path: readonly PropertyKey[]): string {
  return [prefix, ...path.map(String)].filter(Boolean).join('.') || '(body)'
}
