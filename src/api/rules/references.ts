import type { Tx } from '../../db/client.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import { templateChannels } from '../../db/templates.ts'
import type { RuleStep } from '../../domain/rules/rule.ts'
import { deliverSteps } from '../../domain/rules/walk.ts'
import type { FieldError } from '../errors.ts'

/**
 * Returns the problems of the destinations and templates that a rule's steps name: those that do not exist in this environment, or
 * do not fit the step.
 */
export async function referenceProblems(
  db: Tx,
  scope: Scope,
  steps: readonly RuleStep[],
): Promise<FieldError[]> {
  const delivers = deliverSteps(steps)
  const named = delivers.flatMap(({ deliver }) => deliver.to)
  const channels = await readChannels(db, scope, named)
  const templates = await templateChannels(
    db,
    scope,
    delivers.flatMap(({ deliver }) => deliver.template ?? []),
  )
  return delivers.flatMap(({ path, deliver: { to, template } }) => {
    const reached = to.flatMap((id) => channels.get(id) ?? [])
    const unfit = templateProblem(template, templates, reached)
    return [
      ...to.flatMap((id, index) => {
        const problem = destinationProblem(id, channels.has(id), to.indexOf(id) < index)
        return problem === undefined ? [] : [{ path: `${path}.to.${index}`, message: problem }]
      }),
      ...(unfit === undefined ? [] : [{ path: `${path}.template`, message: unfit }]),
    ]
  })
}

function destinationProblem(id: string, known: boolean, again: boolean): string | undefined {
  if (!known) return 'is not a destination in this environment'
  return again ? `repeats ${id} within one step` : undefined
}

function templateProblem(
  id: string | undefined,
  known: ReadonlyMap<string, readonly string[]>,
  channels: readonly string[],
): string | undefined {
  if (id === undefined) return undefined
  const parts = known.get(id)
  if (!parts) return 'is not a template in this environment'
  if (channels.length === 0 || channels.some((channel) => parts.includes(channel))) return undefined
  return `has no part for ${[...new Set(channels)].join(', ')}, so it cannot be used for any of the step’s destinations`
}

async function readChannels(db: Tx, scope: Scope, ids: string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db.destination.findMany({
    where: { ...scope, id: { in: ids } },
    select: { id: true, channel: true },
  })
  return new Map(rows.map(({ id, channel }) => [id, channel]))
}
