import { renderPage } from './page.ts'

/** What the page shows, by how the event stands. Links get forwarded: nothing of the event's data is in it. */
export type AcknowledgeView =
  | {
      state: 'open'
      event: ShownEvent
      waits: readonly { rule: string; until?: Moment }[]
      /** For an event that has ended: until when it can still be acknowledged. */
      lateUntil?: Moment
      /** Of an event whose replay is not acknowledged yet. */
      earlier?: ShownAcknowledgement
      /** What was sent and could not be taken, and why. */
      given?: Readonly<Record<FormField, string>>
      problems?: Readonly<Partial<Record<FormField, string>>>
    }
  | { state: 'acknowledged'; event: ShownEvent; acknowledgement: ShownAcknowledgement; first?: boolean }
  | { state: 'sent'; event: ShownEvent }
  | { state: 'ended'; event: ShownEvent; endedAt?: Moment }
  | { state: 'unknown' }
  | { state: 'fault'; detail: string }

export type FormField = 'name' | 'note'

export interface ShownEvent {
  id: string
  type: string
  environment: string
  test: boolean
  acceptedAt: Moment
}

interface ShownAcknowledgement {
  by: string
  at: Moment
}

/** A time for programs and for people. */
export interface Moment {
  iso: string
  text: string
}

const utc = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'long', timeZone: 'UTC' })

export function formatTime(time: string | Date): Moment {
  const at = new Date(time)
  return { iso: at.toISOString(), text: utc.format(at) }
}

export function renderAcknowledge(view: AcknowledgeView): string {
  return renderPage('acknowledge', { ...view })
}
