import { typeid } from 'typeid-js'
import { routableDestinations, type Scope } from '../db/destinations.ts'
import { erasuresOf } from '../db/erasures.ts'
import { erasureOf, toldOf } from '../domain/erasure.ts'
import type { Event } from '../domain/event.ts'
import { readEventInput } from '../temporal/event-input.ts'
import { startReplayRun } from '../temporal/start-event.ts'
import type { AppDeps } from './app.ts'
import { invalid } from './errors.ts'
import { describeUnerased, erasedError } from './event-log.ts'
import { scopeOf } from './route.ts'
import { actAudited, asJson, type Writer } from './writer.ts'

/** Starts a later run of an event: same event id, new timestamps and signatures. It appears in the event's log. */
export async function startReplay(deps: AppDeps, writer: Writer, eventId: string, destinations?: string[]) {
  const scope = scopeOf(writer.caller)
  const { temporal } = deps
  const execution = await describeUnerased(deps, scope, eventId)
  if (destinations) await requireKnown(deps, scope, destinations)
  const input = await readEventInput(temporal, execution.workflowId, execution.runId)
  if ('erased' in input) throw erasedError()
  const { event, digest } = input
  await requireUnerased(deps, scope, event)
  if (event.test && !destinations)
    throw invalid([{ path: 'destinations', message: 'is required: a test is not routed' }])
  const replayId = typeid('rpl').toString()
  const done = { action: 'event.replayed', subject: eventId, after: asJson({ replayId, destinations }) }
  const start = () =>
    startReplayRun(
      temporal,
      { event, ...(digest && { digest }), replay: { id: replayId, destinations } },
      { eager: deps.eagerStart },
    )
  await actAudited(deps.db, writer, done, start)
  return { replayId }
}

/** What is started while it is being erased would only have to be found again. */
async function requireUnerased({ db }: AppDeps, scope: Scope, event: Event): Promise<void> {
  const ids = toldOf(event).map(({ id }) => id)
  if (erasureOf(event, await erasuresOf(db, scope, ids))) throw erasedError()
}

async function requireKnown({ db }: AppDeps, scope: Scope, ids: string[]): Promise<void> {
  const known = new Set((await routableDestinations(db, scope, ids)).map(({ id }) => id))
  const unknown = ids.flatMap((id, index) => (known.has(id) ? [] : [`destinations.${index}`]))
  if (unknown.length > 0)
    throw invalid(unknown.map((path) => ({ path, message: 'is not a destination of this environment' })))
}
