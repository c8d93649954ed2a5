import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Liquid } from 'liquidjs'

/** What the page shows, by how the event stands. Links get forwarded: nothing of the event's data is in it. */
export type AcknowledgeView =
  | {
      state: 'open'
      event: ShownEvent
      waits: readonly { rule: string; until?: Moment | undefined }[]
      /** Of an event whose replay is not acknowledged yet. */
      earlier?: ShownAcknowledgement | undefined
      /** What was sent and could not be taken, and why. */
      given?: Readonly<Record<FormField, string>>
      problems?: Readonly<Partial<Record<FormField, string>>>
    }
  | { state: 'acknowledged'; event: ShownEvent; acknowledgement: ShownAcknowledgement; first?: boolean }
  | { state: 'sent'; event: ShownEvent }
  | { state: 'ended'; event: ShownEvent; endedAt?: Moment | undefined }
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

export interface ShownAcknowledgement {
  by: string
  at: Moment
}

/** A time for programs and for people. */
export interface Moment {
  iso: string
  text: string
}

const utc = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'long', timeZone: 'UTC' })

export function momentOf(time: string | Date): Moment {
  const at = new Date(time)
  return { iso: at.toISOString(), text: utc.format(at) }
}

const folder = fileURLToPath(new URL('.', import.meta.url))
const style = readFileSync(`${folder}page.css`, 'utf8')

/** Escapes whatever it puts in: only the style is ours. */
const liquid = new Liquid({ root: folder, extname: '.liquid', outputEscape: 'escape', cache: true })

export function renderAcknowledge(view: AcknowledgeView): string {
  return liquid.renderFileSync('acknowledge', { ...view, style }) as string
}

const styleHash = createHash('sha256').update(style).digest('base64')

/** No script, nothing from elsewhere, in nobody's frame, kept by nobody; and the link is told to nobody. */
export const pageHeaders = {
  'Content-Security-Policy': [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex, nofollow',
}
