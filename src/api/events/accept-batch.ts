import type { Scope } from '../../db/destinations/destinations.ts'
import { maxEventBytes } from '../../domain/event.ts'
import { keptText } from '../../domain/json/json-text.ts'
import { acceptEvent, type Accepted } from './accept.ts'
import type { StartInSlot } from '../http/admission.ts'
import type { AppDeps } from '../deps.ts'
import { ApiError } from '../errors.ts'
import { eventBody } from './fields.ts'
import { requirePostedItem } from '../http/body/posted-json.ts'
import { asApiError, logFault } from '../http/service-fault.ts'
import { validate } from '../fields/validate.ts'

interface Result {
  status: number
  id?: string
  error?: ReturnType<ApiError['toProblem']>
}

interface Batch {
  items: readonly unknown[]
  /** The request's `Idempotency-Key`. The ids of items without an id are derived from it and the item's index. */
  idempotencyKey?: string
  /** The number of webhooks in the chain that led to the request. */
  hops: number
  startInSlot: StartInSlot
}

/**
 * Accepts the events of a batch independently and concurrently. Events with the same id, and events that need a queue or a
 * rate-limit slot, take their turns in the order of the batch.
 */
export async function acceptBatch(
  deps: AppDeps,
  scope: Scope,
  { items, idempotencyKey, hops, startInSlot }: Batch,
): Promise<Result[]> {
  const newestById = new Map<string, Promise<Result>>()
  let earlier: Promise<unknown> = Promise.resolve()
  const results = items.map((item, index) => {
    const path = `events.${index}`
    const after = earlier
    const result = toResult(deps, async () => {
      const given = readItem(item, path)
      if (given.id !== undefined) {
        const sameId = newestById.get(given.id)
        newestById.set(given.id, result)
        await sameId
      }
      // A key contains no space, so an item's key cannot equal that of an item under another key.
      const itemKey = idempotencyKey && `${idempotencyKey} ${index}`
      return acceptEvent(deps, scope, given, { startInSlot, idempotencyKey: itemKey, hops, after, path })
    })
    earlier = Promise.all([after, result])
    return result
  })
  return Promise.all(results)
}

function readItem(item: unknown, path: string) {
  const text = typeof item === 'object' && item !== null ? keptText(item) : undefined
  if (text === undefined) return validate(eventBody, item, path)
  if (Buffer.byteLength(text) > maxEventBytes) {
    throw new ApiError('payload_too_large', `An event has at most ${maxEventBytes} bytes.`, {
      errors: [{ path, message: `must have at most ${maxEventBytes} bytes` }],
    })
  }
  requirePostedItem(item, text, path)
  return validate(eventBody, item, path)
}

/** Never rejects: if one event fails, the caller still learns the ids of the others. */
async function toResult({ log }: AppDeps, accept: () => Promise<Accepted>): Promise<Result> {
  try {
    // Deferred until `result` is assigned, because later events with the same id wait for it.
    const accepted = await Promise.resolve().then(accept)
    return { status: accepted.duplicate ? 200 : 202, id: accepted.id }
  } catch (error) {
    const known = asApiError(error)
    logFault(log, { method: 'POST', path: '/events/batch' }, known)
    return { status: known.status, error: known.toProblem() }
  }
}
