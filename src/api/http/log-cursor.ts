import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import type { Client } from '@temporalio/client'
import type { Execution } from '../../temporal/log/executions.ts'
import { walkNewestFirst, type WalkPosition } from '../../temporal/log/walk.ts'
import { invalid, type ApiError } from '../errors.ts'

/** Where a page of the delivery log ended: at this execution, of which so many deliveries were looked at. */
export interface LogPlace extends WalkPosition {
  deliveries: number
  /** Measured by the walk so far (`walkNewestFirst`), as a hint for the next page. */
  meanGapMs: number
}

/** Which part of a list is requested. */
export interface PageRequest {
  limit: number
  cursor?: string
}

/** Reads one page of the executions that a query finds, newest first. `asked` is the list and its filters, which the cursor is bound to. */
export async function readLogPage(
  client: Client,
  query: string,
  { limit, cursor }: PageRequest,
  asked: object,
): Promise<{ page: Execution[]; nextCursor: string | null }> {
  const after = cursor === undefined ? undefined : readCursor(cursor, asked)
  const walk = { query, after, meanGapMs: after?.meanGapMs, wanted: limit + 1 }
  const { executions, meanGapMs } = await walkNewestFirst(client, walk)
  const page = executions.slice(0, limit)
  const last = executions.length > limit ? page.at(-1) : undefined
  return { page, nextCursor: last ? makeCursor({ ...last, meanGapMs, deliveries: 0 }, asked) : null }
}

/**
 * Makes a cursor: a place in a walk, so that the next page begins there whatever has started or ended in the meantime, and a
 * checksum of the place and the request. The checksum needs no secret: a forged place is only another place in one's own list.
 */
export function makeCursor(
  { startedAt, meanGapMs, deliveries, workflowId }: LogPlace,
  asked: object,
): string {
  const place = [startedAt, Math.ceil(meanGapMs), deliveries, workflowId].join(' ')
  return Buffer.concat([checksum(place, asked), Buffer.from(place)]).toString('base64url')
}

/** Throws 422 for a cursor that was made for another list or other filters. */
export function readCursor(cursor: string, asked: object): LogPlace {
  const bytes = Buffer.from(cursor, 'base64url')
  const place = bytes.subarray(checksumBytes).toString()
  if (!checksum(place, asked).equals(bytes.subarray(0, checksumBytes))) throw badCursor()
  const parts = placePattern.exec(place)
  if (!parts) throw badCursor()
  const [, startedAt = '', meanGapMs, deliveries, workflowId = ''] = parts
  return {
    startedAt: BigInt(startedAt),
    meanGapMs: Number(meanGapMs),
    deliveries: Number(deliveries),
    workflowId,
  }
}

/** The format of a place. It is checked too, because anybody can compute the checksum. */
const placePattern = /^(\d{1,19}) (\d{1,15}) (\d{1,9}) (\S*)$/

export function badCursor(): ApiError {
  return invalid([{ path: 'cursor', message: 'was not issued for this list and these filters' }])
}

const checksumBytes = 6

function checksum(place: string, asked: object): Buffer {
  const text = [place, stringify(asked)].join('\n')
  return createHash('sha256').update(text).digest().subarray(0, checksumBytes)
}
