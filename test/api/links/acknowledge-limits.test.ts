import supertest from 'supertest'
import { expect, it } from 'vitest'
import { linkPath, press } from '../../support/workflows/acknowledge.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeTenant, settledLog } from '../../support/stack.ts'

const stack = sharedStack()

const ask = async (path: string, times: number) => {
  const answers = []
  for (let time = 0; time < times; time++) answers.push(await supertest(stack.app).get(path))
  return answers
}

it('429 for who tries links out, whatever he tries; good links go on working from the same address', async () => {
  const tenant = await makeTenant(stack)
  const { body } = await tenant.api.post('/events', { type: 'a.b', data: {} }).expect(202)
  const { id } = body as { id: string }
  await settledLog(tenant.api, id)
  const good = linkPath(stack, { ...tenant, destinationId: 'dst_any' }, id)

  const guesses = await ask('/acknowledge/1.guess', 21)
  expect(guesses.slice(0, 20).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 404))
  const [last] = guesses.slice(20)
  expect(last?.status).toBe(429)
  expect(Number(last?.headers['retry-after'])).toBeGreaterThan(0)
  expect(last?.text).toContain('try again in')
  await press(stack, good.replace('1.', '2.')).expect(429)
  await supertest(stack.app).get(good).expect(409)
})

it('429 for one link that is asked for without end, by whatever method; others go on working', async () => {
  const tenant = await makeTenant(stack)
  const { body } = await tenant.api.post('/events', { type: 'a.b', data: {} }).expect(202)
  const { id } = body as { id: string }
  await settledLog(tenant.api, id)
  const hammered = linkPath(stack, { ...tenant, destinationId: 'dst_one' }, id)
  const answers = await ask(hammered, 31)
  expect(answers.map(({ status }) => status)).toEqual([...Array.from({ length: 30 }, () => 409), 429])
  await press(stack, hammered).expect(429)
  await supertest(stack.app)
    .get(linkPath(stack, { ...tenant, destinationId: 'dst_two' }, id))
    .expect(409)
})
