import { weekdays, type QuietWindow, type Weekday } from './rule.ts'
import { dayIn, dayMs, instantAt, minuteOfDay } from './zoned-time.ts'

/** From a moment on until just before another one (Unix ms). */
type Span = [begin: number, end: number]

/** How far ahead is looked, in days: nearly every quiet time is over within one. */
const reaches = [1, 8, 32]

/**
 * If one of the windows is quiet at a moment, the first moment at which none is any more: a night that runs into a quiet
 * weekend is one. A window begins on its days, and its end belongs to it no more. Windows that `quietProblem` has nothing
 * against end within 32 days; of others, the end of what was looked at is the answer.
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

/** Longer than any quiet time should be that has one free minute a week, even where the clock skips that once. */
const longestQuietMs = 15 * dayMs

/** A year that shows every change of the clocks of our days. */
const sampledYear: Span = [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)]

/** What is wrong with windows, each of them valid by itself; to be read after their name. */
export function quietProblem(windows: readonly QuietWindow[]): string | undefined {
  if (windows.some(({ between: [from, to] }) => minuteOfDay(from) === minuteOfDay(to)))
    return 'begins and ends at the same time: use 00:00 to 24:00 for a whole day'
  const [from, to] = sampledYear
  const spans = quietSpans(windows, from, to)
  if (spans.some(([begin, end]) => begin <= from && end >= to))
    return 'is always quiet: nothing would ever be sent'
  if (spans.some(([begin, end]) => end - begin > longestQuietMs))
    return 'is always quiet for weeks in a part of the year: nothing would be sent then'
  return undefined
}

/** The quiet spans that touch a time, in order and apart from each other. Those that lie at its ends may go beyond it. */
function quietSpans(windows: readonly QuietWindow[], from: number, to: number): Span[] {
  const spans = windows.flatMap((window) => spansOf(window, from, to)).sort(([a], [b]) => a - b)
  const merged: Span[] = []
  for (const [begin, end] of spans) {
    const last = merged.at(-1)
    if (last && begin <= last[1]) last[1] = Math.max(last[1], end)
    else merged.push([begin, end])
  }
  return merged
}

function spansOf({ timezone, between, days }: QuietWindow, from: number, to: number): Span[] {
  const begin = minuteOfDay(between[0])
  const end = minuteOfDay(between[1])
  const endsAt = end > begin ? end : end + 24 * 60
  const spans: Span[] = []
  // One that began yesterday may last until now.
  for (let day = dayIn(timezone, from) - 1; day <= dayIn(timezone, to) + 1; day++) {
    if (days && !days.includes(weekdayOf(day))) continue
    spans.push([instantAt(timezone, { day, minute: begin }), instantAt(timezone, { day, minute: endsAt })])
  }
  // The clock skips some as a whole.
  return spans.filter(([first, last]) => first < last)
}

/** Day 0, the first of January 1970, was a Thursday. */
function weekdayOf(day: number): Weekday {
  return weekdays[(day + 3) % 7] ?? 'mon'
}
