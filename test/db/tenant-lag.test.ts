import { expect, it, vi } from 'vitest'
import { createReportedLag, reportTenantLag } from '../../src/db/limits/tenant-lag.ts'
import { sharedStack } from '../support/shared-stack.ts'

const stack = sharedStack({ workers: false })

const soon = { timeout: 10_000, interval: 20 }

it('reads what workers report, the longest delay of each tenant, until they report it no more', async () => {
  let now = 0
  const lagOf = createReportedLag(stack.db, () => now)
  const lag = (tenantId: string) => {
    now += 1_001
    return lagOf(tenantId)
  }
  await reportTenantLag(stack.db, 'lag-1', [{ tenantId: 'ten_lag_a', lateMs: 2_000 }])
  await reportTenantLag(stack.db, 'lag-2', [
    { tenantId: 'ten_lag_a', lateMs: 3_000 },
    { tenantId: 'ten_lag_b', lateMs: 4_000 },
  ])
  await vi.waitFor(() => expect([lag('ten_lag_a'), lag('ten_lag_b')]).toEqual([3_000, 4_000]), soon)
  await reportTenantLag(stack.db, 'lag-2', [])
  await vi.waitFor(() => expect([lag('ten_lag_a'), lag('ten_lag_b')]).toEqual([2_000, 0]), soon)
  await reportTenantLag(stack.db, 'lag-1', [])
})

it('disregards reports that it read long ago: a tenant that posts again after a pause is not refused for them', async () => {
  let now = 0
  const lagOf = createReportedLag(stack.db, () => now)
  await reportTenantLag(stack.db, 'lag-3', [{ tenantId: 'ten_lag_c', lateMs: 2_000 }])
  lagOf('ten_lag_c')
  await vi.waitFor(() => expect(lagOf('ten_lag_c')).toBe(2_000), soon)
  now += 60_000
  expect(lagOf('ten_lag_c')).toBe(0)
  await reportTenantLag(stack.db, 'lag-3', [])
})
