/** A place in a destination's pace: when an attempt may be made (Unix ms), and which one it is. */
export interface Place {
  at: number
  number: number
}

/** A place that is missed by more than this is lost: after an outage all are late, and must not be used at once. */
export const mostLateMs = 2_000
