import type { FieldError } from '../api/errors.ts'
import type { Json } from '../domain/event.ts'

/** `${NAME}`, and `$${NAME}` for a literal `${NAME}`. */
const reference = /\$(\$?)\{([A-Za-z_]\w*)\}/g

/** Replaces the variables in a document's strings by their values. Throws with all variables that are not set. */
export function fillInVariables(
  document: Json,
  variable: (name: string) => string | undefined,
): { document: Json; problems: FieldError[] } {
  const problems: FieldError[] = []
  const fillIn = (value: Json, path: string): Json => {
    if (typeof value === 'string') {
      return value.replace(reference, (whole, escaped: string, name: string) => {
        if (escaped) return whole.slice(1)
        const found = variable(name)
        if (found === undefined)
          problems.push({ path, message: `names the environment variable ${name}, which is not set` })
        return found ?? whole
      })
    }
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map((inner, index) => fillIn(inner, below(path, String(index))))
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, fillIn(inner, below(path, key))]),
    )
  }
  return { document: fillIn(document, ''), problems }
}

function below(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

/** Escapes an exported document's strings so that filling in variables leaves them unchanged. */
export function escapeVariables(yaml: string): string {
  return yaml.replaceAll(/\$(?=\{[A-Za-z_]\w*\})/g, '$$$$')
}
