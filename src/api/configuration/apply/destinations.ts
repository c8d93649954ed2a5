import { isDeepStrictEqual } from 'node:util'
import { findChannel } from '../../../channels/index.ts'
import type { Destination } from '../../../db/destinations/destinations.ts'
import { isJsonObject, type Json, type JsonObject } from '../../../domain/event.ts'
import {
  changeDestination,
  createDestination,
  deleteDestination,
  type Written,
} from '../../destinations/store.ts'
import { invalid } from '../../errors.ts'
import { validate } from '../../fields/validate.ts'
import { describeChange, type Change } from '../changes.ts'
import { describeDestination } from '../describe.ts'
import { destinationEntry } from '../document.ts'
import type { Entry } from '../match.ts'
import type { Outcome, Run } from '../run-types.ts'
import { keepSecrets, keptAsMasks, maskSecrets } from '../secrets.ts'

/** A generated signing secret. It is shown only once. */
export interface MadeSecret {
  destination: string
  secret: string
}

export async function applyDestinations(
  run: Run,
  entries: readonly Entry<Destination>[],
): Promise<Outcome & { secrets: MadeSecret[] }> {
  const outcome: Outcome & { secrets: MadeSecret[] } = { changes: [], things: [], secrets: [] }
  for (const entry of entries) {
    const done = await run.problems.within(entry.path, () => applyDestination(run, entry))
    outcome.things.push({ id: done?.change.id ?? entry.stored?.id, name: entry.name })
    if (!done) continue
    outcome.changes.push(done.change)
    if (done.secret !== undefined)
      outcome.secrets.push({ destination: done.change.name, secret: done.secret })
  }
  return outcome
}

async function applyDestination(
  { store, scope }: Run,
  { given, stored }: Entry<Destination>,
): Promise<{ change: Change; secret?: string }> {
  const wanted = parseDestination(given, stored)
  const before = stored && describeDestination(stored)
  if (stored && isDeepStrictEqual(before, describeDestination(wanted)))
    return { change: { kind: 'destination', name: stored.name, id: stored.id, change: 'unchanged' } }
  const { destination, secret } = await (stored
    ? changeDestination(store, stored, changeTo(wanted, stored, given.config))
    : createDestination(store, scope, wanted))
  return { change: describeChange('destination', destination, sides(stored, destination)), secret }
}

export async function dropDestinations(
  { store, scope }: Run,
  gone: readonly Destination[],
): Promise<Change[]> {
  for (const { id } of gone) await deleteDestination(store, scope, id)
  return gone.map((destination) => describeChange('destination', destination, sides(destination, undefined)))
}

function parseDestination(given: JsonObject, stored: Destination | undefined) {
  const channel = findChannel(typeof given.channel === 'string' ? given.channel : '')
  if (stored && channel && channel.name !== stored.channel)
    throw invalid([
      {
        path: 'channel',
        message: `cannot be changed from ${stored.channel}; use another name to create a new destination`,
      },
    ])
  const config =
    channel && isJsonObject(given.config) ? keepSecrets(channel, given.config, stored?.config) : given.config
  const { name, status = 'active', ...parsed } = validate(destinationEntry, { ...given, config })
  return { ...parsed, name, status, config: parsed.config as JsonObject }
}

/** Returns a change to every field that a document can set, so that fields missing from the document are removed. */
function changeTo(wanted: ReturnType<typeof parseDestination>, stored: Destination, given: Json | undefined) {
  const { name, subscription, delivery, status } = wanted
  const channel = findChannel(stored.channel)
  const config = channel && isJsonObject(given) ? keptAsMasks(channel, given, wanted.config) : wanted.config
  const without = Object.fromEntries(Object.keys(stored.config).map((field) => [field, null]))
  return {
    name,
    subscription,
    config: { ...without, ...config },
    delivery: { maxPerSecond: null, maxConcurrent: null, ordering: null, ...delivery },
    // A disabled destination is not made active. It is resumed by a person, after repairing the cause.
    status: status === 'active' && stored.status === 'disabled' ? undefined : status,
  }
}

function sides(before: Destination | undefined, after: Written['destination'] | undefined) {
  return {
    before: before && { entry: masked(before) },
    after: after && { entry: masked(after, before?.config) },
  }
}

/** Returns the destination as a document shows it, with masked secrets. */
export function masked(destination: Destination, before?: JsonObject): JsonObject {
  const entry = describeDestination(destination)
  const channel = findChannel(destination.channel)
  return channel && isJsonObject(entry.config)
    ? { ...entry, config: maskSecrets(channel, entry.config, before) }
    : entry
}
