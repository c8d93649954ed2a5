import { sleep } from '@temporalio/workflow'
import type { RouteEventInput } from '../../../src/workflows/contract/event.ts'

/** Workflows with a fault of ours: an event that is new to them meets an exception, one of the product's does not replay. */
export async function routeEvent(input: RouteEventInput): Promise<void> {
  if (input.event.type === 'aml.match.thrown')
    throw new TypeError(`no route for ${JSON.stringify(input.event.data)}`)
  await sleep('1h')
}
