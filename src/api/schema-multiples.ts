import type { Ajv, FuncKeywordDefinition } from 'ajv'

/** Replaces Ajv's `multipleOf`, whose binary division has a remainder for 19.99 / 0.01. */
export function countMultiplesExactly<Instance extends Ajv>(ajv: Instance): Instance {
  ajv.removeKeyword('multipleOf')
  ajv.addKeyword(multipleOf)
  return ajv
}

const multipleOf: FuncKeywordDefinition = {
  keyword: 'multipleOf',
  type: 'number',
  schemaType: 'number',
  error: { message: ({ schemaCode }) => `must be multiple of ${String(schemaCode)}` },
  validate: (divisor: number, value: number) => isMultipleOf(value, divisor),
}

/** Divides both numbers as they are written in decimal. Infinity, which JSON such as 1e999 parses to, is a multiple of nothing. */
export function isMultipleOf(value: number, divisor: number): boolean {
  if (!Number.isFinite(value)) return false
  const [dividend, by] = [toDecimal(value), toDecimal(divisor)]
  const exponent = Math.min(dividend.exponent, by.exponent)
  return scale(dividend, exponent) % scale(by, exponent) === 0n
}

interface Decimal {
  digits: bigint
  exponent: number
}

/** The shortest decimal that reads back as this number, as JSON writes it. */
function toDecimal(value: number): Decimal {
  const [mantissa = '', exponent] = value.toExponential().split('e')
  const fraction = mantissa.split('.')[1] ?? ''
  return { digits: BigInt(mantissa.replace('.', '')), exponent: Number(exponent) - fraction.length }
}

function scale({ digits, exponent }: Decimal, to: number): bigint {
  return digits * 10n ** BigInt(exponent - to)
}
