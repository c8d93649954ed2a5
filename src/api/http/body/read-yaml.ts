import type { Compute } from '../../../compute/compute.ts'
import type { Json } from '../../../domain/event.ts'
import { invalid } from '../../errors.ts'
import { withinBudget } from '../over-budget.ts'

/** Parses YAML on a thread, because the largest document takes seconds. Errors name the line and column. */
export async function readYaml(compute: Compute, tenantId: string, text: string): Promise<Json> {
  const read = await withinBudget(compute.run(tenantId, 'parseYaml', { text }))
  if ('problems' in read) throw invalid(read.problems)
  return JSON.parse(read.json) as Json
}
