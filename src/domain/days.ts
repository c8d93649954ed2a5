/** Days are in UTC and written `YYYY-MM-DD`, which sorts by time. */

const dayMs = 24 * 3600_000

export function toDay(time: Date | number): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** Its first moment. */
export function startOfDay(day: string): Date {
  return new Date(`${day}T00:00:00.000Z`)
}

/** The first moment after the day. */
export function endOfDay(day: string): Date {
  return startOfDay(addDays(day, 1))
}

export function addDays(day: string, count: number): string {
  return toDay(startOfDay(day).getTime() + count * dayMs)
}

/** The days from the first to the last, both included; empty if the first is later. */
export function daysBetween(first: string, last: string): string[] {
  const days = []
  for (let day = first; day <= last; day = addDays(day, 1)) days.push(day)
  return days
}

export function isDay(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}$/.test(text) &&
    !Number.isNaN(startOfDay(text).getTime()) &&
    toDay(startOfDay(text)) === text
  )
}

/** A rolled-up day, and the time up to which its executions were counted. */
export interface RolledDay {
  day: string
  countedUntil: Date
  archived: boolean
}

export interface RollUpState {
  /** The earliest time of any delivery: the creation of the oldest tenant. */
  since: Date | undefined
  rolled: readonly RolledDay[]
  /** True if closed days are archived as well. */
  archiving: boolean
}

/** Older days are not looked at: Temporal has deleted them, so there is nothing to count. */
const oldestDays = 90
/** Days before the archive existed are archived as far back as Temporal certainly has all of them. */
const archivedDays = 25
/** Ended workflows reach visibility with a delay: a day counted earlier than this after its end is counted again. */
const settledAfterMs = 60_000

/**
 * The closed days to roll up, oldest first: days never rolled up, days rolled up before they ended, and days not archived yet.
 * Never the current day. Pure.
 */
export function dueDays(now: Date, { since, rolled, archiving }: RollUpState): string[] {
  if (!since) return []
  const today = toDay(now)
  const oldest = [toDay(since), addDays(today, -oldestDays)].sort().at(-1) ?? today
  const done = new Map(rolled.map((one) => [one.day, one]))
  return daysBetween(oldest, addDays(today, -1)).filter((day) => {
    const one = done.get(day)
    if (!one || one.countedUntil.getTime() < endOfDay(day).getTime() + settledAfterMs) return true
    return archiving && !one.archived && day >= addDays(today, -archivedDays)
  })
}
