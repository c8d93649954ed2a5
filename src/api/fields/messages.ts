import { type z } from 'zod'

/**
 * Returns the error message for every kind of zod issue, so that no text of the library reaches a user. It follows the path of the
 * field. A message in a schema takes precedence.
 */
export const fieldMessage: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is required'
        : `must be of type ${typeNames[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'too_big':
      return tooBig(issue)
    case 'too_small':
      return tooSmall(issue)
    case 'invalid_format':
      return wrongFormat(issue)
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'unrecognized_keys':
      return `has unknown fields: ${issue.keys.join(', ')}`
    case 'invalid_key':
      return 'has an invalid key'
    case 'invalid_element':
      return 'has an invalid item'
    case 'invalid_union':
      return Array.isArray(issue.options)
        ? `must be one of ${issue.options.map(String).join(', ')}`
        : 'does not match any of the allowed forms'
    case 'custom':
      return 'is invalid'
  }
}

const typeNames: Partial<Record<string, string>> = { int: 'integer', record: 'object', tuple: 'array' }

const units: Partial<Record<string, string>> = {
  string: 'character',
  array: 'item',
  set: 'item',
  map: 'item',
}

function tooBig({ origin, maximum, inclusive, exact }: z.core.$ZodRawIssue<z.core.$ZodIssueTooBig>): string {
  const unit = units[origin]
  if (unit) return `must have ${exact ? 'exactly' : 'at most'} ${count(maximum, unit)}`
  return `must be ${inclusive === false ? 'less than' : 'at most'} ${maximum}`
}

function tooSmall({
  origin,
  minimum,
  inclusive,
  exact,
}: z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall>): string {
  const unit = units[origin]
  if (unit && !exact && Number(minimum) === 1) return 'must not be empty'
  if (unit) return `must have ${exact ? 'exactly' : 'at least'} ${count(minimum, unit)}`
  return `must be ${inclusive === false ? 'greater than' : 'at least'} ${minimum}`
}

function count(number: number | bigint, unit: string): string {
  return `${number} ${unit}${Number(number) === 1 ? '' : 's'}`
}

const formats: Partial<Record<string, string>> = {
  email: 'an email address',
  url: 'a URL',
  guid: 'a UUID',
  uuid: 'a UUID',
  datetime: 'an ISO 8601 timestamp such as 2026-01-31T12:00:00Z',
  date: 'a date such as 2026-01-31',
  base64: 'base64',
}

function wrongFormat(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidStringFormat>): string {
  const { format, pattern, prefix, suffix, includes } = issue
  switch (format) {
    case 'starts_with':
      return `must start with ${String(prefix)}`
    case 'ends_with':
      return `must end with ${String(suffix)}`
    case 'includes':
      return `must contain ${String(includes)}`
    case 'regex':
      return `must match ${pattern}`
    default:
      return `must be ${formats[format] ?? `a valid ${format}`}`
  }
}
