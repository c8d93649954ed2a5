import { expect, it } from 'vitest'
import { acknowledgeableUntil, asksForAcknowledgement } from '../../../src/domain/delivery/acknowledgement.ts'
import type { DeliverySummary } from '../../../src/domain/delivery/timeline.ts'

it('an event can be acknowledged for a week after its end', () => {
  expect(acknowledgeableUntil(new Date('2026-03-28T20:00:00Z'))).toEqual(new Date('2026-04-04T20:00:00Z'))
})

it.each<[status: DeliverySummary['status'], acknowledgeable: true | undefined, asks: boolean]>([
  ['delivered', true, true], ['failed', true, true], ['pending', true, true], ['skipped', true, false], ['delivered', undefined, false],
])('a delivery that is %s, and acknowledgeable: %s, asks for it: %s', (status, acknowledgeable, asks) => {
  const delivery = { status, ...(acknowledgeable && { acknowledgeable }) }
  expect(asksForAcknowledgement([{ status: 'delivered' }, delivery])).toBe(asks)
}) // prettier-ignore
