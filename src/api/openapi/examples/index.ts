import { accessExamples } from './access.ts'
import { configurationExamples } from './configuration.ts'
import { contractExamples } from './contracts.ts'
import { eventExamples } from './events.ts'

/** Examples of the named schemas. A schema without one, such as a page of a list, gets it from the schemas that it consists of. */
export const schemaExamples: Readonly<Record<string, unknown>> = {
  ...eventExamples,
  ...configurationExamples,
  ...accessExamples,
  ...contractExamples,
}
