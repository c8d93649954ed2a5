import { absentVariables } from '../../templates/liquid.ts'
import { parseParts, templateScope } from '../../templates/content.ts'
import type { JsonObject } from '../../domain/event.ts'
import { sampleMessage } from '../templates/sample.ts'

const nowhere = { tenantId: '', environment: 'sandbox' } as const

/**
 * Returns the problem of an event type's title: a Liquid error, or variables that the type's sample lacks. Runs on a compute
 * thread.
 */
export function titleProblem(title: string, sample: JsonObject | null): string | undefined {
  const { problems } = parseParts({ title: { kind: 'line', description: '' } }, { title })
  const [problem] = problems
  if (problem) return problem.message
  if (!sample) return undefined
  const message = sampleMessage(nowhere, { type: 'example', data: sample }, { tenant: '' })
  const absent = absentVariables(title, templateScope(message))
  return absent.length === 0
    ? undefined
    : `uses variables that the sample does not have: ${absent.join(', ')}`
}
