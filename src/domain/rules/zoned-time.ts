import { IANAZone } from 'luxon'
import type { UntilTime } from './rule.ts'

/** What a zone's clock shows: days since 1970-01-01, and minutes since that day's midnight. 1440 is the next midnight. */
export interface WallTime {
  day: number
  minute: number
}

const minuteMs = 60_000
export const dayMs = 24 * 3600 * 1000

/**
 * Whether a text is the IANA name of a zone: `Europe/Berlin`, `UTC`, `GMT`. An offset is none, as it knows no summer time, and
 * neither is an abbreviation: `IST` is India's time to one reader and Ireland's to another.
 */
export function isTimeZone(text: string): boolean {
  return (text.includes('/') || /^(utc|gmt)$/i.test(text)) && IANAZone.isValidZone(text)
}

/**
 * The next moment strictly after `after` at which the clock of the zone shows `until`. A time that a change of the clock skips
 * is the moment of that change, and one that comes twice is the first of the two.
 */
export function nextTimeOfDay({ until, timezone }: UntilTime, after: Date): Date {
  const minute = minuteOfDay(until)
  const today = dayIn(timezone, after.getTime())
  // Yesterday, for the sake of `24:00`; the day after tomorrow, for a clock that is put back over midnight.
  const moments = [-1, 0, 1, 2].map((days) => instantAt(timezone, { day: today + days, minute }))
  const next = moments.find((moment) => moment > after.getTime())
  if (next === undefined) throw new RangeError(`no ${until} in ${timezone} follows ${after.toISOString()}`)
  return new Date(next)
}

/** `HH:MM` in minutes; `24:00` is 1440. */
export function minuteOfDay(time: string): number {
  const [hours, minutes] = time.split(':').map(Number)
  if (hours === undefined || minutes === undefined) throw new RangeError(`${time} is no time of the day`)
  return hours * 60 + minutes
}

/** The day that the zone's clock shows at a moment (Unix ms), counted from 1970-01-01. */
export function dayIn(timezone: string, at: number): number {
  return Math.floor((at + offsetMs(timezone, at)) / dayMs)
}

/**
 * The first moment (Unix ms) at which a zone's clock shows a time; where the clock skips it, the moment after the gap. A later
 * time is never an earlier moment.
 */
export function instantAt(timezone: string, { day, minute }: WallTime): number {
  const asUtc = day * dayMs + minute * minuteMs
  // No zone is a day ahead of UTC or behind it: one of these two offsets is in force then, unless the time is skipped.
  const either = [asUtc - dayMs, asUtc + dayMs].map((near) => asUtc - offsetMs(timezone, near))
  const [first, last] = [Math.min(...either), Math.max(...either)]
  if (first === last) return first
  const shown = [first, last].find((moment) => moment + offsetMs(timezone, moment) === asUtc)
  return shown ?? changeBetween(timezone, first, last)
}

/** The moment at which a zone's offset becomes the one that it has at `to`, which is another one than at `from`. */
function changeBetween(timezone: string, from: number, to: number): number {
  const then = offsetMs(timezone, to)
  let [earlier, later] = [from, to]
  while (later - earlier > 1) {
    const middle = Math.floor((earlier + later) / 2)
    if (offsetMs(timezone, middle) === then) later = middle
    else earlier = middle
  }
  return later
}

function offsetMs(timezone: string, at: number): number {
  const offset = IANAZone.create(timezone).offset(at)
  if (Number.isNaN(offset)) throw new RangeError(`no such time zone: ${timezone}`)
  return Math.round(offset * minuteMs)
}
