import fc from 'fast-check'
import { DateTime } from 'luxon'
import { describe, expect, it } from 'vitest'
import { isTimeZone, nextTimeOfDay } from '../../../../src/domain/rules/zoned-time.ts'

describe('a time zone', () => {
  it.each(['Europe/Berlin', 'Asia/Kolkata', 'America/Argentina/Buenos_Aires', 'UTC', 'GMT', 'Etc/GMT+2'])(
    'is %s',
    (name) => expect(isTimeZone(name)).toBe(true),
  )

  it.each([
    '',
    '+02:00',
    'UTC+2',
    'GMT+2',
    'IST',
    'BST',
    'PST',
    'local',
    'system',
    'Europe/Atlantis',
    ' UTC',
  ])('is not “%s”', (name) => expect(isTimeZone(name)).toBe(false))
})

const next = (until: string, timezone: string, after: string) =>
  nextTimeOfDay({ until, timezone }, new Date(after)).toISOString().replace(':00.000Z', 'Z')

describe('the next time of day', () => {
  it.each<[what: string, until: string, timezone: string, after: string, expected: string]>([
    ['is today’s, if it is to come', '09:00', 'Europe/Berlin', '2026-01-15T07:59:59Z', '2026-01-15T08:00Z'],
    ['is tomorrow’s at that very time', '09:00', 'Europe/Berlin', '2026-01-15T08:00:00Z', '2026-01-16T08:00Z'],
    ['is next year’s', '08:30', 'UTC', '2026-12-31T23:00:00Z', '2027-01-01T08:30Z'],
    ['is of the day that the zone has', '08:00', 'Pacific/Auckland', '2026-01-14T20:00:00Z', '2026-01-15T19:00Z'],
    ['knows half hours', '09:00', 'Asia/Kolkata', '2026-01-15T00:00:00Z', '2026-01-15T03:30Z'],
    ['knows quarters of an hour', '09:00', 'Asia/Kathmandu', '2026-01-15T00:00:00Z', '2026-01-15T03:15Z'],
    ['knows 24:00 as the next midnight', '24:00', 'Europe/Berlin', '2026-01-15T12:00:00Z', '2026-01-15T23:00Z'],
    ['is a day on at 24:00', '24:00', 'Europe/Berlin', '2026-01-15T23:00:00Z', '2026-01-16T23:00Z'],
    ['is an hour sooner once the clock went forward', '07:00', 'Europe/Berlin', '2026-03-28T22:00:00Z', '2026-03-29T05:00Z'],
    ['is the end of the gap where it is skipped', '02:30', 'Europe/Berlin', '2026-03-28T22:00:00Z', '2026-03-29T01:00Z'],
    ['is the end of the gap where that begins', '02:00', 'Europe/Berlin', '2026-03-28T22:00:00Z', '2026-03-29T01:00Z'],
    ['is the next day’s after a gap', '02:30', 'Europe/Berlin', '2026-03-29T01:00:00Z', '2026-03-30T00:30Z'],
    ['is the first of two', '02:30', 'Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-25T00:30Z'],
    ['is not the second of two', '02:30', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-26T01:30Z'],
    ['is an hour later once the clock went back', '03:00', 'Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-25T02:00Z'],
    ['is the end of half an hour’s gap', '02:15', 'Australia/Lord_Howe', '2026-10-03T12:00:00Z', '2026-10-03T15:30Z'],
    ['is the first of two half an hour apart', '01:45', 'Australia/Lord_Howe', '2026-04-04T12:00:00Z', '2026-04-04T14:45Z'],
    ['is midnight after a day that was left out', '12:00', 'Pacific/Apia', '2011-12-29T23:00:00Z', '2011-12-30T10:00Z'],
  ])('%s: %s in %s after %s', (_what, until, timezone, after, expected) => {
    expect(next(until, timezone, after)).toBe(expected)
  }) // prettier-ignore

  it('is after the time given, within the next two days, and what that zone’s clock shows unless it is skipped', () => {
    fc.assert(
      fc.property(aZone, aMinute, aMoment, (timezone, minute, after) => {
        const until = timeOf(minute)
        const found = nextTimeOfDay({ until, timezone }, after)
        const hours = (found.getTime() - after.getTime()) / 3_600_000
        expect(hours).toBeGreaterThan(0)
        expect(hours).toBeLessThanOrEqual(49)
        const shown = DateTime.fromJSDate(found, { zone: timezone })
        const justBefore = DateTime.fromMillis(found.getTime() - 1, { zone: timezone })
        if (shown.offset === justBefore.offset) expect(shown.toFormat('HH:mm:ss.SSS')).toBe(`${until}:00.000`)
      }),
    )
  })
})

const aZone = fc.constantFrom(
  'Europe/Berlin', 'America/New_York', 'America/St_Johns', 'Asia/Kolkata', 'Asia/Kathmandu',
  'Australia/Lord_Howe', 'Pacific/Chatham', 'Africa/Casablanca', 'UTC',
) // prettier-ignore
const aMinute = fc.integer({ min: 0, max: 1439 })
const aMoment = fc.date({ min: new Date('2025-01-01'), max: new Date('2028-01-01'), noInvalidDate: true })

function timeOf(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}
