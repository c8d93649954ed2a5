import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quietProblem, quietUntil } from '../../../../src/domain/rules/quiet-hours.ts'
import { weekdays, type QuietWindow, type Weekday } from '../../../../src/domain/rules/rule.ts'

const quiet = (timezone: string, from: string, to: string, days?: Weekday[]): QuietWindow => ({
  timezone,
  between: [from, to],
  days,
})
const until = (windows: QuietWindow[], at: string) =>
  quietUntil(windows, new Date(at))?.toISOString().replace(':00.000Z', 'Z')

const berlinNight = quiet('Europe/Berlin', '22:00', '07:00')
const inTheGap = quiet('Europe/Berlin', '02:15', '02:45')
const intoTheGap = quiet('Europe/Berlin', '01:00', '02:30')
const outOfTheGap = quiet('Europe/Berlin', '02:30', '04:00')
const weekend = quiet('Europe/Berlin', '00:00', '24:00', ['sat', 'sun'])
const friday = quiet('Europe/Berlin', '22:00', '06:00', ['fri'])
const none = undefined

describe('quiet hours', () => {
  it.each<[what: string, windows: QuietWindow[], at: string, expected: string | undefined]>([
    ['begin at their first minute', [berlinNight], '2026-01-15T21:00:00Z', '2026-01-16T06:00Z'],
    ['have not begun just before', [berlinNight], '2026-01-15T20:59:59.999Z', none],
    ['last until just before their end', [berlinNight], '2026-01-16T05:59:59.999Z', '2026-01-16T06:00Z'],
    ['are over at their end', [berlinNight], '2026-01-16T06:00:00Z', none],
    ['go on into the next year', [berlinNight], '2026-12-31T22:00:00Z', '2027-01-01T06:00Z'],
    ['are of one day where they end later than they begin', [quiet('UTC', '12:00', '13:00')], '2026-01-15T12:59:00Z', '2026-01-15T13:00Z'],
    ['know half hours', [quiet('Asia/Kolkata', '22:00', '07:00')], '2026-01-15T16:30:00Z', '2026-01-16T01:30Z'],
    ['have not begun half an hour before', [quiet('Asia/Kolkata', '22:00', '07:00')], '2026-01-15T16:29:00Z', none],
    ['know quarters of an hour', [quiet('Asia/Kathmandu', '22:00', '07:00')], '2026-01-15T16:15:00Z', '2026-01-16T01:15Z'],

    ['end an hour sooner in the night that loses one', [berlinNight], '2026-03-28T21:00:00Z', '2026-03-29T05:00Z'],
    ['end as ever in the night after', [berlinNight], '2026-03-29T20:00:00Z', '2026-03-30T05:00Z'],
    ['end an hour later in the night that has one twice', [berlinNight], '2026-10-24T20:00:00Z', '2026-10-25T06:00Z'],
    ['are still there in the second of the two hours', [berlinNight], '2026-10-25T01:30:00Z', '2026-10-25T06:00Z'],
    ['end with the gap in which they would', [intoTheGap], '2026-03-29T00:30:00Z', '2026-03-29T01:00Z'],
    ['begin with the end of the gap in which they would', [outOfTheGap], '2026-03-29T01:00:00Z', '2026-03-29T02:00Z'],
    ['have not begun before that gap', [outOfTheGap], '2026-03-29T00:59:59Z', none],
    ['are none where they lie in the gap', [inTheGap], '2026-03-29T01:00:00Z', none],
    ['end at the first of two', [intoTheGap], '2026-10-25T00:29:00Z', '2026-10-25T00:30Z'],
    ['are over in between the two', [intoTheGap], '2026-10-25T00:30:00Z', none],
    ['begin at the first of two', [outOfTheGap], '2026-10-25T00:30:00Z', '2026-10-25T03:00Z'],
    ['are once in an hour that comes twice', [inTheGap], '2026-10-25T01:30:00Z', none],
    ['know a gap of half an hour', [quiet('Australia/Lord_Howe', '01:00', '02:15')], '2026-10-03T15:00:00Z', '2026-10-03T15:30Z'],
    ['know half an hour that comes twice', [quiet('Australia/Lord_Howe', '01:00', '03:00')], '2026-04-04T14:30:00Z', '2026-04-04T16:30Z'],

    ['begin on their days', [friday], '2026-01-16T21:00:00Z', '2026-01-17T05:00Z'],
    ['end on the day after', [friday], '2026-01-17T04:59:00Z', '2026-01-17T05:00Z'],
    ['do not begin on other days', [friday], '2026-01-17T21:00:00Z', none],
    ['were not begun the day before one of their days', [friday], '2026-01-16T04:00:00Z', none],
    ['go by the day that the zone has', [quiet('Pacific/Auckland', '00:00', '24:00', ['sat'])], '2026-01-16T12:00:00Z', '2026-01-17T11:00Z'],
    ['last a day until 24:00', [quiet('Europe/Berlin', '00:00', '24:00', ['sun'])], '2026-01-18T12:00:00Z', '2026-01-18T23:00Z'],
    ['last a day of 23 hours', [quiet('Europe/Berlin', '00:00', '24:00', ['sun'])], '2026-03-28T23:00:00Z', '2026-03-29T22:00Z'],
    ['last a day of 25 hours', [quiet('Europe/Berlin', '00:00', '24:00', ['sun'])], '2026-10-24T22:00:00Z', '2026-10-25T23:00Z'],

    ['run from one day into the next', [weekend], '2026-01-17T10:00:00Z', '2026-01-18T23:00Z'],
    ['run from a night into a weekend and out of it', [berlinNight, weekend], '2026-01-16T21:30:00Z', '2026-01-19T06:00Z'],
    ['run on where one begins as another ends', [quiet('UTC', '10:00', '11:00'), quiet('UTC', '11:00', '12:00')], '2026-01-15T10:30:00Z', '2026-01-15T12:00Z'],
    ['end between two that are a minute apart', [quiet('UTC', '10:00', '11:00'), quiet('UTC', '11:01', '12:00')], '2026-01-15T10:30:00Z', '2026-01-15T11:00Z'],
    ['run on in another zone', [quiet('America/New_York', '18:00', '24:00'), berlinNight], '2026-01-15T22:00:00Z', '2026-01-16T06:00Z'],
    ['run on over six days', [quiet('UTC', '00:00', '24:00', ['mon', 'tue', 'wed', 'thu', 'fri', 'sat'])], '2026-01-19T00:00:00Z', '2026-01-25T00:00Z'],
    ['are none where there are no windows', [], '2026-01-19T00:00:00Z', none],
  ])('%s', (_what, windows, at, expected) => {
    expect(until(windows, at)).toBe(expected)
  }) // prettier-ignore

  it('that free one minute a week, which the clock once skips, end a week later', () => {
    const days = weekdays.filter((day) => day !== 'sun')
    const windows = [
      quiet('Europe/Berlin', '00:00', '24:00', days),
      quiet('Europe/Berlin', '00:00', '02:30', ['sun']),
      quiet('Europe/Berlin', '02:31', '24:00', ['sun']),
    ]
    expect(quietProblem(windows)).toBeUndefined()
    expect(until(windows, '2026-03-22T01:31:00Z')).toBe('2026-04-05T00:30Z')
  })

  it('are over when they say they are, and are not before', () => {
    fc.assert(
      fc.property(someWindows, aMoment, fc.integer({ min: 1, max: 20 }), (windows, at, parts) => {
        fc.pre(quietProblem(windows) === undefined)
        const end = quietUntil(windows, at)
        if (!end) return
        expect(end.getTime()).toBeGreaterThan(at.getTime())
        expect(quietUntil(windows, end)).toBeUndefined()
        const between = new Date(at.getTime() + Math.floor(((end.getTime() - at.getTime() - 1) * parts) / 20))
        expect(quietUntil(windows, between)).toEqual(end)
      }),
      { numRuns: 60 },
    )
  })

  it('are there at a moment if one of the windows is there by itself', () => {
    fc.assert(
      fc.property(someWindows, aMoment, (windows, at) => {
        const byThemselves = windows.map((window) => quietUntil([window], at))
        expect(quietUntil(windows, at) !== undefined).toBe(byThemselves.some((end) => end !== undefined))
      }),
    )
  })
})

describe('quiet hours that are refused', () => {
  const sameTime = 'starts and ends at the same time; use 00:00 to 24:00 for a whole day'
  const always = 'is always quiet, so nothing would ever be sent'
  const forWeeks = 'is quiet for weeks without a break in part of the year, so nothing would be sent then'

  it.each<[what: string, windows: QuietWindow[], expected: string | undefined]>([
    ['begin when they end', [quiet('UTC', '10:00', '10:00')], sameTime],
    ['are every whole day', [quiet('Europe/Berlin', '00:00', '24:00')], always],
    ['are a day and a night that leave nothing', [berlinNight, quiet('Europe/Berlin', '07:00', '22:00')], always],
    ['are the week and the weekend', [weekend, quiet('Europe/Berlin', '00:00', '24:00', ['mon', 'tue', 'wed', 'thu', 'fri'])], always],
    ['leave nothing over two zones', [quiet('Europe/Berlin', '00:00', '13:00'), quiet('Asia/Kolkata', '14:00', '06:00')], always],
    ['leave nothing in summer', [quiet('Europe/Berlin', '00:00', '12:00'), quiet('Africa/Lagos', '11:00', '23:00')], forWeeks],
    ['are not these: one minute a day is free', [quiet('Europe/Berlin', '00:00', '23:59')], undefined],
    ['are not these: one minute a week is free', [quiet('UTC', '00:00', '23:59', ['mon']), quiet('UTC', '00:00', '24:00', ['tue', 'wed', 'thu', 'fri', 'sat', 'sun'])], undefined],
    ['are not these: nights and weekends', [berlinNight, weekend], undefined],
    ['are not there at all', [], undefined],
  ])('%s', (_what, windows, expected) => {
    expect(quietProblem(windows)).toBe(expected)
  }) // prettier-ignore
})

const aTime = fc.integer({ min: 0, max: 1439 }).map(timeOf)
const aWindow = fc
  .record({
    timezone: fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kolkata',
      'Australia/Lord_Howe',
      'UTC',
    ),
    from: aTime,
    to: fc.oneof(aTime, fc.constant('24:00')),
    days: fc.option(fc.subarray([...weekdays], { minLength: 1 }), { nil: undefined }),
  })
  .map(({ timezone, from, to, days }) => quiet(timezone, from, to, days))
const someWindows = fc.array(aWindow, { minLength: 1, maxLength: 4 })
/** Half of them near a change of the clocks. */
const aMoment = fc.oneof(
  fc.date({ min: new Date('2026-01-01'), max: new Date('2027-01-01'), noInvalidDate: true }),
  fc
    .tuple(
      fc.constantFrom('2026-03-29T01:00Z', '2026-10-25T01:00Z', '2026-04-04T15:00Z', '2026-11-01T06:00Z'),
      fc.integer({ min: -24 * 60, max: 24 * 60 }),
    )
    .map(([change, minutes]) => new Date(Date.parse(change) + minutes * 60_000)),
)

function timeOf(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}
