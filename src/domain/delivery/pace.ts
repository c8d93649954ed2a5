/** A reservation in a destination's pace: its number, and when the attempt may be made (Unix ms). */
export interface PaceReservation {
  at: number
  number: number
}

/** A reservation missed by more than this is void: after an outage all are late and must not be used at once. */
export const maxLatenessMs = 2_000

/** The reservations of a pace: the newest one made, the newest one used, and the ones in between that were released. */
export interface PaceReservations {
  taken: number
  used: number
  released: readonly number[]
}

/**
 * Releases a reservation; `undefined` if there is nothing to release. At the end of the queue it becomes free for the next event,
 * together with those released before it; elsewhere later ones just do not wait for it. Pure.
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
