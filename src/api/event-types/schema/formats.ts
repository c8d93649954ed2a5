import type { Format } from 'ajv'
import { fullFormats } from 'ajv-formats/dist/formats.js'

export const formatNames = [
  'date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uri', 'uri-reference', 'uuid', 'json-pointer',
] as const // prettier-ignore

/** Longer strings match no format, because some checks take time quadratic in the length. */
const longest = 4096

export const formats: Record<string, (text: string) => boolean> = Object.fromEntries(
  formatNames.map((name) => [
    name,
    (text: string) => text.length <= longest && fits(fullFormats[name], text),
  ]),
)

function fits(format: Format, text: string): boolean {
  if (format instanceof RegExp) return format.test(text)
  if (typeof format === 'function') return format(text)
  return typeof format === 'object' && 'validate' in format && !format.async
    ? fits(format.validate as Format, text)
    : true
}
