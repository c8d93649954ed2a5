import { expect, it } from 'vitest'
import { createBacklog } from '../../../src/temporal/slots/backlog.ts'

it('asks again after Temporal has failed to answer', async () => {
  let answers = false
  const backlog = createBacklog(() =>
    answers ? Promise.resolve(true) : Promise.reject(new Error('Timeout expired')),
  )
  backlog.add('ten_1', 'workflow')
  const isBehind = () => backlog.isOlderThan('ten_1', -1)
  await expect(isBehind()).rejects.toThrow('Timeout expired')
  answers = true
  await expect.poll(() => isBehind().catch(() => true), { timeout: 5_000 }).toBe(false)
})
