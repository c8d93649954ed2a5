import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import type { WalkPosition } from '../../temporal/log/walk.ts'
import { invalid, type ApiError } from '../errors.ts'

/** Where a page of the delivery log ended: at this execution, of which so many deliveries were looked at. */
export interface LogPlace extends WalkPosition {
  deliveries: number
  /** What the walk there has found (`walkNewestFirst`): a hint for the next page. */
  meanGapMs: number
}

/**
 * A cursor holds a place in a walk, so that the next page begins there whatever has ended or begun meanwhile, and a
 * checksum of it and of what was asked for. The checksum is no secret: a place in one's own list is all there is to forge.
 */
export function makeCursor(
  { startedAt, meanGapMs, deliveries, workflowId }: LogPlace,
  asked: object,
): string {
  const place = [startedAt, Math.ceil(meanGapMs), deliveries, workflowId].join(' ')
  return Buffer.concat([checksum(place, asked), Buffer.from(place)]).toString('base64url')
}

/** Throws 422 for a cursor that was not given out for what is asked for now. */
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

/** Anybody can compute the checksum, so the place is checked as well. */
const placePattern = /^(\d{1,19}) (\d{1,15}) (\d{1,9}) (\S*)$/

export function badCursor(): ApiError {
  return invalid([{ path: 'cursor', message: 'was not given out for this list and these filters' }])
}

const checksumBytes = 6

function checksum(place: string, asked: object): Buffer {
  const text = [place, stringify(asked)].join('\n')
  return createHash('sha256').update(text).digest().subarray(0, checksumBytes)
}
