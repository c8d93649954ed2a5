import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import type { Client } from '@temporalio/client'
import type { Execution } from '../../temporal/log/executions.ts'
import { walkNewestFirst, type WalkPosition } from '../../temporal/log/walk.ts'
import { invalid, type ApiError } from '../errors.ts'

/**
 * The position at which a page of the delivery log ended: an execution, and the number of its deliveries that were already read.
 */
export interface LogPlace extends WalkPosition {
  deliveries: number
  /** Measured by the walk up to this position (`walkNewestFirst`), as a hint for the next page. */
  meanGapMs: number
}

export interface PageRequest {
  limit: number
  cursor?: string
}

/** Reads one page of the executions that a query finds, newest first. The cursor is bound to `asked`, the list and its filters. */
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
 * Makes a cursor from a position in a walk and a checksum of the position and the request. The next page begins at the position,
 * whatever has started or ended in the meantime. The checksum needs no secret: a forged position is only another position in the
 * caller's own list.
 */
export function makeCursor(
  { startedAt, meanGapMs, deliveries, workflowId }: LogPlace,
  asked: object,
): string {
  const place = [startedAt, Math.ceil(meanGapMs), deliveries, workflowId].join(' ')
  return Buffer.concat([checksum(place, asked), Buffer.from(place)]).toString('base64url')
}

/** Reads a cursor. Throws 422 if it was made for another list or other filters. */
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

/** The format of a position. It is validated because anybody can compute the checksum. */
const placePattern = /^(\d{1,19}) (\d{1,15}) (\d{1,9}) (\S*)$/

export function badCursor(): ApiError {
  return invalid([{ path: 'cursor', message: 'was not issued for this list and these filters' }])
}

const checksumBytes = 6

function checksum(place: string, asked: object): Buffer {
  const text = [place, stringify(asked)].join('\n')
  return createHash('sha256').update(text).digest().subarray(0, checksumBytes)
}
