import { weekdays, type QuietWindow, type Weekday } from './rule.ts'
import { dayIn, dayMs, instantAt, minuteOfDay } from './zoned-time.ts'

/** A half-open interval (Unix ms): `from` is included, `to` is not. */
type Span = [begin: number, end: number]

/** The search horizons in days. Nearly all quiet times end within one day. */
const reaches = [1, 8, 32]

/**
 * If any window is quiet at the given time, returns the first time at which none is: a quiet night that runs into a quiet weekend is
 * one interval. A window begins on its `days`, and its end is exclusive. Windows that pass `quietProblem` end within 32 days; for
 * others the end of the search horizon is returned.
 */
export function quietUntil(windows: readonly QuietWindow[], at: Date): Date | undefined {
  const from = at.getTime()
  let quiet: Span | undefined
  for (const days of reaches) {
    const to = from + days * dayMs
    quiet = quietSpans(windows, from, to).find(([begin, end]) => begin <= from && from < end)
    if (!quiet || quiet[1] < to) break
  }
  return quiet && new Date(quiet[1])
}

/** Longer than any quiet time with one free minute a week, even if a clock change skips that minute once. */
const maxQuietMs = 15 * dayMs

/** A year that contains every current clock change. */
const sampledYear: Span = [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)]

/** What is wrong with the combination of windows that are each valid. The text follows the field's name. */
export function quietProblem(windows: readonly QuietWindow[]): string | undefined {
  if (windows.some(({ between: [from, to] }) => minuteOfDay(from) === minuteOfDay(to)))
    return 'starts and ends at the same time; use 00:00 to 24:00 for a whole day'
  const [from, to] = sampledYear
  const spans = quietSpans(windows, from, to)
  if (spans.some(([begin, end]) => begin <= from && end >= to))
    return 'is always quiet, so nothing would ever be sent'
  if (spans.some(([begin, end]) => end - begin > maxQuietMs))
    return 'is quiet for weeks without a break in part of the year, so nothing would be sent then'
  return undefined
}

/** The quiet intervals that overlap a range, merged and in order. The outer ones may extend beyond it. */
function quietSpans(windows: readonly QuietWindow[], from: number, to: number): Span[] {
  const spans = windows.flatMap((window) => windowSpans(window, from, to)).sort(([a], [b]) => a - b)
  const merged: Span[] = []
  for (const [begin, end] of spans) {
    const last = merged.at(-1)
    if (last && begin <= last[1]) last[1] = Math.max(last[1], end)
    else merged.push([begin, end])
  }
  return merged
}

function windowSpans({ timezone, between, days }: QuietWindow, from: number, to: number): Span[] {
  const begin = minuteOfDay(between[0])
  const end = minuteOfDay(between[1])
  const endsAt = end > begin ? end : end + 24 * 60
  const spans: Span[] = []
  // A window that began yesterday may still be open.
  for (let day = dayIn(timezone, from) - 1; day <= dayIn(timezone, to) + 1; day++) {
    if (days && !days.includes(toWeekday(day))) continue
    spans.push([instantAt(timezone, { day, minute: begin }), instantAt(timezone, { day, minute: endsAt })])
  }
  // A clock change may skip a whole window.
  return spans.filter(([first, last]) => first < last)
}

/** Day 0, 1 January 1970, was a Thursday. */
function toWeekday(day: number): Weekday {
  return weekdays[(day + 3) % 7] ?? 'mon'
}
