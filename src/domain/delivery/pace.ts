/** A place in a destination's pace: when an attempt may be made (Unix ms), and which one it is. */
export interface Place {
  at: number
  number: number
}

/** A place that is missed by more than this is lost: after an outage all are late, and must not be used at once. */
export const maxLatenessMs = 2_000

/** The places of a pace: the newest that was taken, the newest that was used, and those between that were given back. */
export interface PaceReservations {
  taken: number
  used: number
  released: readonly number[]
}

/**
 * Gives a place back, or `undefined` where there is nothing to give back any more. At the end of the queue it is free for the next
 * event, with those before it that were given back earlier; elsewhere it is only not waited for. Pure.
 */
export function withoutReservation(
  { taken, used, released }: PaceReservations,
  number: number,
): PaceReservations | undefined {
  if (number <= used || number > taken || released.includes(number)) return undefined
  const all = new Set([...released, number])
  let newest = taken
  while (newest > used && all.has(newest)) newest--
  return { taken: newest, used, released: [...all].filter((one) => one > used && one < newest) }
}
