import type { Ajv, FuncKeywordDefinition } from 'ajv'
import { Big } from 'big.js'
import type { Numeric } from '../../../domain/json/exact-number.ts'

/** Replaces Ajv's `multipleOf`, whose binary division leaves a remainder for 19.99 / 0.01. */
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

/**
 * Divides both numbers in decimal notation. Infinity, which JSON such as 1e999 parses to, is a multiple of nothing. A power of ten
 * from an event is never written out in digits.
 */
export function isMultipleOf(value: Numeric, divisor: number): boolean {
  if (value === Infinity || value === -Infinity) return false
  const dividend = toDecimal(value)
  const by = toDecimal(divisor)
  const shift = dividend.exponent - by.exponent
  if (!Number.isSafeInteger(shift)) return false
  if (shift >= 0) return (dividend.digits * powerOfTen(shift, by.digits)) % by.digits === 0n
  if (dividend.digits === 0n) return true
  // The dividend would need more trailing zeros than it has digits.
  if (-shift > dividend.length) return false
  return dividend.digits % (by.digits * 10n ** BigInt(-shift)) === 0n
}

function toDecimal(value: Numeric): { digits: bigint; length: number; exponent: number } {
  const { c, e } = typeof value === 'number' ? new Big(value) : value.decimal
  return { digits: BigInt(c.join('')), length: c.length, exponent: e - (c.length - 1) }
}

/** Returns 10 to the power of `exponent`, modulo `modulus`. */
function powerOfTen(exponent: number, modulus: bigint): bigint {
  let [result, base] = [1n, 10n]
  for (let rest = BigInt(exponent); rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * base) % modulus
    base = (base * base) % modulus
  }
  return result
}
