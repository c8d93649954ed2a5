import { renderPage } from './page.ts'

/** The content of the page for each state of the event. Links get forwarded, so the page shows none of the event's data. */
export type AcknowledgeView =
  | {
      state: 'open'
      event: ShownEvent
      waits: readonly { rule: string; until?: Moment }[]
      /** For an event that has ended: the time until which it can still be acknowledged. */
      lateUntil?: Moment
      /** For an event whose replay is not acknowledged yet: the earlier acknowledgement. */
      earlier?: ShownAcknowledgement
      /** The submitted values that were not accepted, and their problems. */
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

/** A time in machine-readable and human-readable form. */
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
