import { expect, it } from 'vitest'
import { prepareRoots } from '../support/platform.ts'
import { run } from '../support/program.ts'
import { ok, silence, startReceiver } from '../support/servers/receiver.ts'
import { adminKey, eventually, settledLog, untilTestEnds, apiAt } from '../support/stack.ts'

it(
  'npm run api and npm run worker: a worker killed in mid-attempt is made up for by the next',
  { timeout: 120_000 },
  async () => {
    const { port, env } = await prepareRoots()
    const server = run('src/server.ts', env)
    await server.line('ready')
    const firstWorker = run('src/worker.ts', env)
    await firstWorker.line('ready')

    const receiver = untilTestEnds(await startReceiver(silence))
    const platform = apiAt(`http://127.0.0.1:${port}`, adminKey)
    const { id } = (await platform.post('/tenants', { name: 'Acme' }).expect(201)).body as { id: string }
    const { key } = (await platform.post(`/tenants/${id}/keys`, { environment: 'sandbox' }).expect(201))
      .body as { key: string }
    const api = apiAt(`http://127.0.0.1:${port}`, key)
    const config = { url: receiver.url }
    const delivery = { schedule: ['0s', '100ms'], timeoutMs: 5000 }
    const destination = {
      name: 'x',
      channel: 'webhook',
      config,
      subscription: { eventTypes: ['all'] },
      delivery,
    }
    await api.post('/destinations', destination).expect(201)
    const event = (await api.post('/events', { type: 'aml.match.found', data: {} }).expect(202)).body as {
      id: string
    }

    await eventually(
      () => Promise.resolve(receiver.received),
      (received) => received.length === 1,
    )
    firstWorker.kill('SIGKILL')
    await firstWorker.exited
    receiver.answer(ok)
    const secondWorker = run('src/worker.ts', { ...env, PUBLIC_URL: 'https://switchyard.example' })
    await secondWorker.line('ready')
    // Temporal gives the killed worker's task to the next one once its workflow task has timed out (10 s).
    const log = await settledLog(api, event.id, 60_000)
    expect(log.status).toBe('delivered')
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set([event.id]),
    )

    // Without PUBLIC_URL messages carry no link, which is said once by the program that sends them.
    const warnings = [firstWorker, secondWorker, server].map(
      (program) => program.output().split('links.left-out').length - 1,
    )
    expect(warnings).toEqual([1, 0, 0])

    for (const program of [server, secondWorker]) {
      program.kill('SIGTERM')
      expect(await program.exited).toBe(0)
    }
  },
)
