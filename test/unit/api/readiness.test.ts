import { expect, it, onTestFinished } from 'vitest'
import { createReadiness } from '../../../src/api/health/readiness.ts'
import type { WatchTimes } from '../../../src/api/health/watch.ts'
import { createLog } from '../../../src/log.ts'

const times: WatchTimes = { tickMs: 2, everyMs: 2, againMs: 2, suspectTicks: 10, deadlineTicks: 50 }
const never = () => new Promise<never>(() => undefined)

/** A service that answers as it is told, its watch, and what the log says. */
function setUp(changed: Partial<WatchTimes> = {}) {
  const lines: { event: string; refused?: number }[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) }
  const service = { answer: (): Promise<void> => Promise.resolve(), asked: 0, dropped: 0 }
  const readiness = createReadiness(
    {
      temporal: {
        title: 'Temporal',
        ask() {
          service.asked++
          return service.answer()
        },
        dropConnections: () => service.dropped++,
      },
    },
    { log: createLog('info', { destination }), times: { ...times, ...changed } },
  )
  onTestFinished(() => {
    service.answer = () => Promise.resolve()
    return readiness.stop()
  })
  const status = () => readiness.report().status
  return { readiness, service, lines, status }
}

const services = { services: ['postgresql', 'temporal'] } as const
const unavailable = { code: 'unavailable', headers: { 'Retry-After': '5' } }

it('a call that waits for a service is refused when the service goes down, and later ones before they begin', async () => {
  const { readiness, service, lines, status } = setUp()
  service.answer = never
  await expect(readiness.guard(services, never)).rejects.toMatchObject(unavailable)
  expect(readiness.report()).toEqual({ status: 'unavailable', dependencies: { temporal: 'down' } })
  expect(service.dropped).toBe(1)
  let begun = 0
  const begin = () => Promise.resolve(begun++)
  await expect(readiness.guard(services, begin)).rejects.toMatchObject(unavailable)
  expect(begun).toBe(0)
  // Calls that do not need it are answered.
  expect(await readiness.guard({ services: ['postgresql'] }, begin)).toBe(0)

  service.answer = () => Promise.resolve()
  await expect.poll(status).toBe('ready')
  expect(await readiness.guard(services, begin)).toBe(1)
  expect(lines).toMatchObject([{ event: 'dependency.down' }, { event: 'dependency.up', refused: 2 }])
})

it('a call that may not wait is refused as soon as the service is suspect', async () => {
  const { readiness, service, status } = setUp({ deadlineTicks: 100_000 })
  service.answer = never
  const call = readiness.guard({ ...services, suspectAfterMs: 1 }, never)
  await expect(call).rejects.toMatchObject(unavailable)
  expect(status()).toBe('ready')
})

it('a slow call is not refused while its services answer', async () => {
  const { readiness, service } = setUp()
  const call = readiness.guard({ ...services, suspectAfterMs: 1 }, async () => {
    const before = service.asked
    await expect.poll(() => service.asked - before).toBeGreaterThan(30)
    return 'done'
  })
  expect(await call).toBe('done')
})

it('one error, as of a connection that was just closed, is no outage, and two are', async () => {
  const { service, status, lines } = setUp()
  const failOnce = () => {
    service.answer = () => Promise.resolve()
    return Promise.reject(new Error('closed'))
  }
  service.answer = failOnce
  const before = service.asked
  await expect.poll(() => service.asked - before).toBeGreaterThan(3)
  expect(lines).toEqual([])
  service.answer = () => Promise.reject(new Error('refused'))
  await expect.poll(status).toBe('unavailable')
})

it('a process that is about to stop is not ready, and still answers', async () => {
  const { readiness, status } = setUp()
  readiness.drain()
  expect(status()).toBe('stopping')
  expect(await readiness.guard(services, () => Promise.resolve('done'))).toBe('done')
})
