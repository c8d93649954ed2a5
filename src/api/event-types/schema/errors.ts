import type { ErrorObject } from 'ajv'
import { truncate } from '../../../domain/truncate.ts'
import type { FieldError } from '../../errors.ts'

/** No reader needs more than this. The first error is also the response's `detail`. */
const maxErrors = 20

/** Converts Ajv's errors to field errors in our words, without duplicates. Paths begin with `at`. */
export function fieldErrors(errors: readonly ErrorObject[], at: string): FieldError[] {
  const found = new Map<string, FieldError>()
  for (const error of errors) {
    const one = { path: toPath(error, at), message: toMessage(error) }
    found.set(`${one.path} ${one.message}`, one)
    if (found.size === maxErrors) break
  }
  return [...found.values()]
}

/** Returns the path of the missing or unexpected property, not of the object around it. */
function toPath({ instancePath, params }: ErrorObject, at: string): string {
  const names = instancePath
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  const { missingProperty, additionalProperty, unevaluatedProperty } = params as Partial<
    Record<string, unknown>
  >
  const name = missingProperty ?? additionalProperty ?? unevaluatedProperty
  return [at, ...names, ...(typeof name === 'string' ? [name] : [])].join('.')
}

function toMessage({ keyword, params, message = 'does not match the schema' }: ErrorObject): string {
  const { type, allowedValues, allowedValue, format, pattern } = params as Partial<Record<string, unknown>>
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
    case 'dependencies':
      return 'is required'
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return 'is not a known field'
    case 'type':
      return `must be of type ${[type].flat().join(' or ')}`
    case 'enum':
      return `must be one of ${cut(
        [allowedValues]
          .flat()
          .map((value) => JSON.stringify(value))
          .join(', '),
      )}`
    case 'const':
      return `must be ${cut(JSON.stringify(allowedValue))}`
    case 'format':
      return `must have the format ${String(format)}`
    case 'pattern':
      return `must match the pattern ${cut(String(pattern))}`
    case 'false schema':
      return 'is not allowed'
    default:
      return message.replace('must NOT', 'must not')
  }
}

function cut(text: string): string {
  return truncate(text, 200)
}
