import { describe, expect, it } from 'vitest'
import { addDays, daysBetween, dueDays, endOfDay, isDay, type RolledDay } from '../../../src/domain/days.ts'

const now = new Date('2026-11-21T00:20:00.000Z')

/** A day that was rolled up at 00:20 on the next one. */
function rolled(day: string, fields: Partial<RolledDay> = {}): RolledDay {
  return { day, countedUntil: new Date(endOfDay(day).getTime() + 20 * 60_000), archived: false, ...fields }
}

function due(fields: { since?: string; rolled?: RolledDay[]; archiving?: boolean }, at = now): string[] {
  const { since = '2026-11-18T09:00:00.000Z', rolled = [], archiving = false } = fields
  return dueDays(at, { since: since === '' ? undefined : new Date(since), rolled, archiving })
}

describe('the days that are due to be rolled up', () => {
  it('are all from the oldest tenant’s first to yesterday, the oldest first', () => {
    expect(due({})).toEqual(['2026-11-18', '2026-11-19', '2026-11-20'])
  })

  it('are none while there is no tenant, and none on the first tenant’s first day', () => {
    expect(due({ since: '' })).toEqual([])
    expect(due({ since: '2026-11-21T00:10:00.000Z' })).toEqual([])
  })

  it('never hold the day that is not over, not in its last millisecond either', () => {
    expect(due({}, new Date('2026-11-21T23:59:59.999Z'))).not.toContain('2026-11-21')
    expect(due({}, new Date('2026-11-22T00:00:00.000Z'))).toContain('2026-11-21')
  })

  it('are those after the newest that was rolled up', () => {
    expect(due({ rolled: [rolled('2026-11-18')] })).toEqual(['2026-11-19', '2026-11-20'])
    expect(due({ rolled: ['2026-11-18', '2026-11-19', '2026-11-20'].map((day) => rolled(day)) })).toEqual([])
  })

  it('are those in a gap as well, which a day done by hand leaves behind', () => {
    expect(due({ rolled: [rolled('2026-11-18'), rolled('2026-11-20')] })).toEqual(['2026-11-19'])
  })

  it('are those that were rolled up before they were over, or only just then', () => {
    const noon = { countedUntil: new Date('2026-11-19T12:00:00.000Z') }
    const atOnce = { countedUntil: new Date('2026-11-21T00:00:05.000Z') }
    const days = [rolled('2026-11-18'), rolled('2026-11-19', noon), rolled('2026-11-20', atOnce)]
    expect(due({ rolled: days })).toEqual(['2026-11-19', '2026-11-20'])
  })

  it('go back 90 days at most', () => {
    const days = due({ since: '2024-01-01T00:00:00.000Z' })
    expect([days[0], days.at(-1), days.length]).toEqual(['2026-08-23', '2026-11-20', 90])
  })

  it('are, once there is an archive, those of the last 25 days that are not in it', () => {
    const days = daysBetween('2026-10-01', '2026-11-20').map((day) =>
      rolled(day, { archived: day === '2026-11-19' }),
    )
    expect(due({ since: '2026-10-01T00:00:00.000Z', rolled: days })).toEqual([])
    const archiving = due({ since: '2026-10-01T00:00:00.000Z', rolled: days, archiving: true })
    expect(archiving).toEqual([...daysBetween('2026-10-27', '2026-11-18'), '2026-11-20'])
  })
})

describe('a day', () => {
  it.each<[day: string, count: number, expected: string]>([
    ['2026-11-21', 1, '2026-11-22'], ['2026-12-31', 1, '2027-01-01'], ['2028-02-28', 1, '2028-02-29'],
    ['2026-03-01', -1, '2026-02-28'], ['2026-03-29', 1, '2026-03-30'], ['2026-10-25', 1, '2026-10-26'],
  ])('%s, %i days on, is %s', (day, count, expected) => {
    expect(addDays(day, count)).toBe(expected)
  }) // prettier-ignore

  it.each(['2026-02-29', '2026-13-01', '2026-1-1', '20261121', 'today', '', '2026-11-21T00:00:00Z'])(
    'is not %j',
    (text) => expect(isDay(text)).toBe(false),
  )

  it('is one of the calendar', () => expect(isDay('2028-02-29')).toBe(true))

  it('is between none when the first is the later one', () => {
    expect(daysBetween('2026-11-22', '2026-11-21')).toEqual([])
  })
})
