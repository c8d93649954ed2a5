import { expect, it } from 'vitest'
import { createFairSlots } from '../../../src/temporal/slots/fair-slots.ts'

const never = new AbortController().signal
const pass = () => new Promise((resolve) => setImmediate(resolve))

it('gives a slot at once while there is one', async () => {
  const slots = createFairSlots(2)
  expect(await slots.take('a', never)).toBeTypeOf('function')
  expect(slots.takeNow()).toBeTypeOf('function')
  expect(slots.takeNow()).toBeUndefined()
})

it('lets keys take turns, and each key’s own in their order', async () => {
  const slots = createFairSlots(1)
  const given: string[] = []
  const first = await slots.take('a', never)
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'])
    void slots.take(name.slice(0, 1), never).then((release) => {
      given.push(name)
      release?.()
    })
  first?.()
  for (let turn = 0; turn < 10; turn++) await pass()
  expect(given).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
})

it('counts a slot that is given back twice once', async () => {
  const slots = createFairSlots(1)
  const release = await slots.take('a', never)
  release?.()
  release?.()
  slots.takeNow()
  expect(slots.takeNow()).toBeUndefined()
})

it('gives nothing to those who no longer wait', async () => {
  const slots = createFairSlots(1)
  const release = await slots.take('a', never)
  const impatient = new AbortController()
  const late = slots.take('b', impatient.signal)
  const patient = slots.take('b', never)
  impatient.abort()
  expect(await late).toBeUndefined()
  release?.()
  expect(await patient).toBeTypeOf('function')
  expect(await slots.take('b', AbortSignal.abort())).toBeUndefined()
})
