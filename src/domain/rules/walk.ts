import type { JsonObject } from '../event.ts'
import {
  nestingFields,
  type DeliverSettings,
  type RuleDefinition,
  type RuleStep,
  type StepKind,
  type StepSettings,
} from './rule.ts'

/** A list of steps in a rule. `path` is dotted, as in `steps.0.deliver.onFailure`. The rule's own list has depth 1. */
export interface StepList {
  path: string
  depth: number
  steps: readonly RuleStep[]
}

/** A rule's list of steps and all nested lists, the outer ones first. */
export function stepLists(
  steps: readonly RuleStep[],
  { path, depth } = { path: 'steps', depth: 1 },
): StepList[] {
  const inner = steps.flatMap((step, index) =>
    nestedLists(step).flatMap(([name, nested]) =>
      stepLists(nested, { path: `${path}.${index}.${name}`, depth: depth + 1 }),
    ),
  )
  return [{ path, depth, steps }, ...inner]
}

/** All `deliver` steps of a rule, including nested ones, with their paths: `steps.0.deliver`. */
export function deliverSteps(steps: readonly RuleStep[]): { path: string; deliver: DeliverSettings }[] {
  return stepLists(steps).flatMap((list) =>
    list.steps.flatMap((step, index) =>
      'deliver' in step ? [{ path: `${list.path}.${index}.deliver`, deliver: step.deliver }] : [],
    ),
  )
}

/** The steps that run for a single event: those up to the digest. Later steps run for the digest. */
export function stepsBeforeDigest(steps: readonly RuleStep[]): readonly RuleStep[] {
  return steps.slice(0, steps.findIndex((step) => 'digest' in step) + 1 || steps.length)
}

/** All filters that the rule may need for an event, whichever branches it takes. */
export function ruleFilters({
  when,
  steps,
  quietHours = [],
  digest,
}: Pick<RuleDefinition, 'steps' | 'quietHours' | 'digest'> & Partial<RuleDefinition>): JsonObject[] {
  const branches = stepLists(digest ? [] : stepsBeforeDigest(steps)).flatMap((list) =>
    list.steps.flatMap((step) => ('branch' in step ? [step.branch.filter] : [])),
  )
  const unless = quietHours.flatMap((window) => (window.unless ? [window.unless] : []))
  return [...(when?.filter ? [when.filter] : []), ...unless, ...branches]
}

function nestedLists(step: RuleStep): [path: string, steps: readonly RuleStep[]][] {
  return Object.entries(step).flatMap(([kind, settings]: [string, StepSettings[StepKind]]) =>
    nestingFields(kind).map((field): [string, readonly RuleStep[]] => [
      `${kind}.${field}`,
      (settings as unknown as Record<string, readonly RuleStep[] | undefined>)[field] ?? [],
    ]),
  )
}
