import type { Acknowledgement } from '../domain/delivery/timeline.ts'

/** Stores the acknowledgement of an event whose own workflow has ended. The log reads it from this workflow's input. */
export function acknowledgeEvent(acknowledgement: Acknowledgement): Promise<Acknowledgement> {
  return Promise.resolve(acknowledgement)
}
