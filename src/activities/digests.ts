import { getClient } from '@temporalio/activity'
import type { Client } from '@temporalio/client'
import pMap, { pMapSkip } from 'p-map'
import type { Scope } from '../db/destinations/destinations.ts'
import { findErasures } from '../db/erasures.ts'
import { findRequest } from '../domain/redaction/erasure.ts'
import type { Event } from '../domain/event.ts'
import { withHops } from '../domain/hops.ts'
import { jsonText, parseKeepingText, stringifyExactly } from '../domain/json/json-text.ts'
import { valueAt } from '../domain/delivery/ordering.ts'
import { readEventInput } from '../temporal/log/event-input.ts'
import { ifFound } from '../temporal/grpc.ts'
import { startEventOnce } from '../temporal/start-event.ts'
import {
  collectDigestType,
  collectSignal,
  type DigestEntry,
  type DigestInput,
} from '../workflows/contract/digests.ts'
import { scopeOfWorkflow } from '../workflows/contract/event.ts'
import { taskQueue } from '../workflows/contract/task-queues.ts'
import { readCallingEvent } from './asking-event.ts'
import type { ActivityDeps } from './deps.ts'

export type DigestToJoin = Omit<DigestInput, 'tenantId' | 'environment' | 'waiting'> & { digestId: string }
export type DigestToStart = DigestInput & { eventId: string; entries: readonly DigestEntry[] }

/** The type of a digest's event. */
export const digestEventType = 'digest'

export function createDigests({ db, log }: Pick<ActivityDeps, 'db' | 'log'>) {
  /** Leaves out events that are being erased as well, so that they cannot enter a digest meanwhile. */
  async function withoutErased(scope: Scope, events: readonly Event[]): Promise<Event[]> {
    const asked = await findErasures(
      db,
      scope,
      events.map(({ id }) => id),
    )
    return events.filter((event) => !findRequest(event, asked))
  }

  return {
    /**
     * Adds the calling workflow's event to a digest, which is started if there is none. Repeating it changes nothing. Returns the
     * time of the entry (ISO 8601, UTC).
     */
    async joinDigest({ digestId, ...digest }: DigestToJoin): Promise<string> {
      const { event, workflowId, runId } = await readCallingEvent()
      const bytes = Buffer.byteLength(jsonText(event.data))
      await getClient().workflow.signalWithStart(collectDigestType, {
        workflowId: digestId,
        taskQueue,
        staticSummary: `digest for the rule ${digest.orders.name}`,
        args: [{ ...scopeOfWorkflow(workflowId), ...digest }] as [DigestInput],
        signal: collectSignal,
        signalArgs: [{ workflowId, runId, bytes }],
      })
      return new Date().toISOString()
    },

    /** Starts the digest's event. Its id is given, so repeating the call changes nothing. */
    async startDigest({ eventId, entries, orders, by, tenantId, environment }: DigestToStart): Promise<void> {
      const scope = { tenantId, environment }
      const events = await withoutErased(scope, await readEvents(getClient(), entries))
      if (events.length === 0) return
      const event: Event = {
        id: eventId,
        tenantId,
        environment,
        type: digestEventType,
        data: parseKeepingText(stringifyExactly(digestData(events, orders, by))),
        createdAt: new Date().toISOString(),
        // A digest of operational events is operational itself: its own deliveries must not cause further operational events without end.
        ...(events.some(({ operational }) => operational) && { operational: true }),
      }
      const hops = Math.max(...events.map(({ hops = 0 }) => hops))
      await startEventOnce(getClient(), { event: withHops(event, hops), digest: orders }, { eager: false })
      log.info(
        { tenantId, environment, eventId, ruleId: orders.ruleId, events: events.length },
        'digest.started',
      )
    },
  }
}

/** There may be a hundred. Events that were erased or deleted meanwhile are left out. */
async function readEvents(client: Client, entries: readonly DigestEntry[]): Promise<Event[]> {
  return pMap(
    entries,
    async ({ workflowId, runId }) => {
      const input = await ifFound(readEventInput(client, workflowId, runId))
      return !input || 'erased' in input ? pMapSkip : input.event
    },
    { concurrency: 10 },
  )
}

function digestData(
  events: readonly Event[],
  { ruleId, name }: DigestInput['orders'],
  by: string | undefined,
) {
  const [first] = events
  const key = first && by !== undefined ? valueAt(first, by) : undefined
  const times = events.map(({ createdAt }) => createdAt).sort()
  // A plain object would already have a field for the event type `constructor`.
  const types = new Map<string, number>()
  for (const { type } of events) types.set(type, (types.get(type) ?? 0) + 1)
  return {
    rule: { id: ruleId, name },
    ...(by !== undefined && key !== undefined && { by, key }),
    count: events.length,
    from: times[0] ?? '',
    to: times.at(-1) ?? '',
    types: Object.fromEntries(types),
    events: events.map(({ id, type, createdAt, data }) => ({ id, type, createdAt, data })),
  }
}
