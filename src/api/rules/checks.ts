import { ruleLimits, type RuleDefinition, type RuleStep } from '../../domain/rules/rule.ts'
import { stepLists, type StepList } from '../../domain/rules/walk.ts'
import type { FieldError } from '../errors.ts'

/** Returns the problems of a rule that matches its schema: steps that are not allowed at their positions. */
export function structureProblems({ steps, digest }: Pick<RuleDefinition, 'steps' | 'digest'>): FieldError[] {
  const lists = stepLists(steps)
  return [
    ...sizeProblems(lists),
    ...lists.flatMap(unreachable),
    ...lists.flatMap(idleBranches),
    ...digestProblems(lists, digest !== undefined),
    ...acknowledged(steps, 'steps', digest === undefined).problems,
  ]
}

function sizeProblems(lists: readonly StepList[]): FieldError[] {
  const count = lists.reduce((sum, { steps }) => sum + steps.length, 0)
  const tooDeep = lists.find(({ depth, steps }) => depth > ruleLimits.depth && steps.length > 0)
  const most = `must contain at most ${ruleLimits.steps} steps, including nested ones; there are ${count}`
  const deepest = `is nested too deeply; lists of steps can be nested at most ${ruleLimits.depth} levels deep`
  return [
    ...(count > ruleLimits.steps ? [{ path: 'steps', message: most }] : []),
    ...(tooDeep ? [{ path: tooDeep.path, message: deepest }] : []),
  ]
}

function unreachable({ path, steps }: StepList): FieldError[] {
  const stop = steps.findIndex((step) => 'stop' in step)
  if (stop < 0 || stop === steps.length - 1) return []
  return [
    { path: `${path}.${stop + 1}`, message: 'is unreachable because the step before it stops the rule' },
  ]
}

function idleBranches({ path, steps }: StepList): FieldError[] {
  return steps.flatMap((step, index) =>
    'branch' in step && step.branch.steps.length === 0 && !step.branch.else
      ? [{ path: `${path}.${index}.branch.steps`, message: 'must not be empty unless there is an else' }]
      : [],
  )
}

function digestProblems(lists: readonly StepList[], shorthand: boolean): FieldError[] {
  let earlier = shorthand
  return lists.flatMap(({ path, depth, steps }) =>
    steps.flatMap((step, index) => {
      if (!('digest' in step)) return []
      const problem = misplaced({ nested: depth > 1, earlier, last: index === steps.length - 1 })
      earlier = true
      return problem === undefined ? [] : [{ path: `${path}.${index}.digest`, message: problem }]
    }),
  )
}

function misplaced({ nested, earlier, last }: Record<'nested' | 'earlier' | 'last', boolean>) {
  if (nested) return 'must be a top-level step of the rule, not nested in another step'
  if (earlier) return 'is the rule’s second digest; a rule can have at most one'
  return last ? 'must be followed by the steps that deliver the digest' : undefined
}

/**
 * Reports each `awaitAck` on a digest that comes before a step that delivers it, because the digest could not be acknowledged yet.
 * `told` is true if a recipient may know of the event before the list begins: another rule may have delivered a single event, but no
 * other rule acts on a digest.
 */
function acknowledged(steps: readonly RuleStep[], path: string, told: boolean) {
  const problems: FieldError[] = []
  const inside = (nested: readonly RuleStep[] | undefined, name: string, before: boolean) => {
    const inner = acknowledged(nested ?? [], name, before)
    problems.push(...inner.problems)
    return inner.told
  }
  for (const [index, step] of steps.entries()) {
    const here = `${path}.${index}`
    if ('deliver' in step) told = inside(step.deliver.onFailure, `${here}.deliver.onFailure`, true)
    if ('digest' in step) told = false
    if ('branch' in step) {
      const then = inside(step.branch.steps, `${here}.branch.steps`, told)
      const otherwise = inside(step.branch.else, `${here}.branch.else`, told)
      told = then || otherwise
    }
    if ('awaitAck' in step) {
      if (!told) problems.push({ path: `${here}.awaitAck`, message: nobodyKnows })
      told = inside(step.awaitAck.otherwise, `${here}.awaitAck.otherwise`, told)
    }
  }
  return { problems, told }
}

const nobodyKnows = 'must come after a step that delivers the digest, because nobody has received it yet'
