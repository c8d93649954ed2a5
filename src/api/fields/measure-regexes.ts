import type { Compute } from '../../compute/compute.ts'
import { isMeasured, rememberMeasured } from '../../domain/filters/regex.ts'
import { invalid } from '../errors.ts'
import { withinBudget } from '../http/over-budget.ts'

/** Allows ten in each filter of the largest environment. */
const maxRegexes = 10_000

/** Up to this many are compiled on the main thread while the body is checked, which takes about 20 ms at most. */
const fewRegexes = 20

interface Regex {
  pattern: string
  options: string
}

/**
 * Measures a request's regular expressions on a compute thread. Checking a filter compiles them, and a request can contain
 * thousands; the schemas that check the body then find them in the cache.
 */
export async function measureRegexes(compute: Compute, tenantId: string, body: unknown): Promise<void> {
  const regexes = findRegexes(body)
  if (regexes.length > maxRegexes)
    throw invalid([{ path: '(body)', message: `must contain at most ${maxRegexes} $regex operators` }])
  const unknown = regexes.filter(({ pattern, options }) => !isMeasured(pattern, options))
  if (unknown.length <= fewRegexes) return
  const measured = await withinBudget(compute.run(tenantId, 'measureRegexes', { regexes: unknown }))
  for (const [index, { pattern, options }] of unknown.entries()) {
    const found = measured[index]
    if (found) rememberMeasured(pattern, options, found)
  }
}

function findRegexes(root: unknown): Regex[] {
  const found: Regex[] = []
  const open: unknown[] = [root]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null) continue
    const { $regex: pattern, $options: options } = value as Record<string, unknown>
    if (typeof pattern === 'string')
      found.push({ pattern, options: typeof options === 'string' ? options : '' })
    for (const inner of Object.values(value) as unknown[]) if (inner !== undefined) open.push(inner)
  }
  return found
}
