import { typeid } from 'typeid-js'
import { routableDestinations, type Scope } from '../db/destinations.ts'
import { readEventInput } from '../temporal/event-input.ts'
import { startReplayRun } from '../temporal/start-event.ts'
import type { AppDeps } from './app.ts'
import { invalid } from './errors.ts'
import { describeEvent } from './event-log.ts'

/** Starts a later run of an event: same event id, new timestamps and signatures. It appears in the event's log. */
export async function startReplay(deps: AppDeps, scope: Scope, eventId: string, destinations?: string[]) {
  const { temporal } = deps
  const execution = await describeEvent(deps, scope, eventId)
  if (destinations) await requireKnown(deps, scope, destinations)
  const { event, digest } = await readEventInput(temporal, execution.workflowId, execution.runId)
  if (event.test && !destinations)
    throw invalid([{ path: 'destinations', message: 'is required: a test is not routed' }])
  const replayId = typeid('rpl').toString()
  await startReplayRun(
    temporal,
    { event, ...(digest && { digest }), replay: { id: replayId, destinations } },
    { eager: deps.eagerStart },
  )
  return { replayId }
}

async function requireKnown({ db }: AppDeps, scope: Scope, ids: string[]): Promise<void> {
  const known = new Set((await routableDestinations(db, scope, ids)).map(({ id }) => id))
  const unknown = ids.flatMap((id, index) => (known.has(id) ? [] : [`destinations.${index}`]))
  if (unknown.length > 0)
    throw invalid(unknown.map((path) => ({ path, message: 'is not a destination of this environment' })))
}
