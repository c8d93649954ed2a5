import { expect, it, onTestFinished, vi } from 'vitest'
import { createLanes } from '../../../src/activities/limits/lanes.ts'

it('forgets the slow destination used least recently, once there are 10,000', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const lanes = createLanes()
  for (let index = 0; index <= 10_000; index++) {
    const leave = lanes.send(`dst_${index}`, 1)
    vi.advanceTimersByTime(1)
    leave()
  }
  const deferral = (destinationId: string) => lanes.deferral({ tenantId: 'ten_1', destinationId })
  expect(deferral('dst_0')).toBeUndefined()
  expect(deferral('dst_1')).toBe('recent attempts were slow')
})
