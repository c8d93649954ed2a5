import { IANAZone } from 'luxon'
import type { UntilTime } from './rule.ts'

/** A local time: days since 1970-01-01, and minutes since that day's midnight. 1440 is the next midnight. */
export interface WallTime {
  day: number
  minute: number
}

const minuteMs = 60_000
export const dayMs = 24 * 3600 * 1000

/**
 * Whether a string is the IANA name of a time zone: `Europe/Berlin`, `UTC`, `GMT`. Offsets are not, since they have no daylight saving
 * time, and neither are abbreviations: `IST` may mean India or Ireland.
 */
export function isTimeZone(text: string): boolean {
  return (text.includes('/') || /^(utc|gmt)$/i.test(text)) && IANAZone.isValidZone(text)
}

/**
 * The next time strictly after `after` at which clocks in the zone show `until`. If a clock change skips that time, the moment of the
 * change is used; if it occurs twice, the first occurrence.
 */
export function nextTimeOfDay({ until, timezone }: UntilTime, after: Date): Date {
  const minute = minuteOfDay(until)
  const today = dayIn(timezone, after.getTime())
  // Yesterday because of `24:00`; the day after tomorrow because clocks may be set back across midnight.
  const moments = [-1, 0, 1, 2].map((days) => instantAt(timezone, { day: today + days, minute }))
  const next = moments.find((moment) => moment > after.getTime())
  if (next === undefined) throw new RangeError(`no ${until} in ${timezone} follows ${after.toISOString()}`)
  return new Date(next)
}

/** Minutes of `HH:MM`. `24:00` is 1440. */
export function minuteOfDay(time: string): number {
  const [hours, minutes] = time.split(':').map(Number)
  if (hours === undefined || minutes === undefined) throw new RangeError(`${time} is no time of the day`)
  return hours * 60 + minutes
}

/** The local date at a moment (Unix ms), in days since 1970-01-01. */
export function dayIn(timezone: string, at: number): number {
  return Math.floor((at + offsetMs(timezone, at)) / dayMs)
}

/**
 * The first moment (Unix ms) at which clocks in the zone show a time, or the moment after the gap if they skip it. Monotonic: a later
 * time never maps to an earlier moment.
 */
export function instantAt(timezone: string, { day, minute }: WallTime): number {
  const asUtc = day * dayMs + minute * minuteMs
  // No zone is a whole day ahead of or behind UTC, so one of these two offsets applies, unless the time is skipped.
  const either = [asUtc - dayMs, asUtc + dayMs].map((near) => asUtc - offsetMs(timezone, near))
  const [first, last] = [Math.min(...either), Math.max(...either)]
  if (first === last) return first
  const shown = [first, last].find((moment) => moment + offsetMs(timezone, moment) === asUtc)
  return shown ?? changeBetween(timezone, first, last)
}

/** Finds the moment of the offset change between `from` and `to`. */
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
