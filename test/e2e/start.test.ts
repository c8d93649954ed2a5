import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { fact, freshEnvironment } from '../support/run/fresh-environment.ts'
import { run } from '../support/program.ts'
import { startReceiver } from '../support/servers/receiver.ts'
import { eventually, untilTestEnds } from '../support/stack.ts'

/** Processes whose command line names this folder: what a stop must not leave behind. */
function processesOf(folder: string): string[] {
  return execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(folder) && !line.includes('ps -eo'))
}

async function post<Answer>(url: string, key: string, body: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return (await (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as Answer
}

it(
  'npm start: ready with a key, delivers, keeps all of it over a restart, and Ctrl-C leaves no process',
  { timeout: 120_000 },
  async () => {
    const env = await freshEnvironment()
    const first = run('src/main.ts', env)
    const ready = await first.line('ready')
    const api = `${fact(ready, 'api')}/api/v1`
    const platformKey = fact(ready, 'platform-key')
    expect(platformKey).toMatch(/^sk_platform_/)
    expect((await fetch(fact(ready, 'temporal-ui'))).status).toBe(200)

    const receiver = untilTestEnds(await startReceiver())
    const tenant = await post<{ id: string }>(`${api}/tenants`, platformKey, { name: 'Acme' })
    const { key } = await post<{ key: string }>(`${api}/tenants/${tenant.id}/keys`, platformKey, {
      environment: 'sandbox',
    })
    const config = { url: receiver.url }
    await post(`${api}/destinations`, key, {
      name: 'x',
      channel: 'webhook',
      config,
      subscription: { eventTypes: ['all'] },
    })
    const event = await post<{ id: string }>(`${api}/events`, key, {
      type: 'aml.match.found',
      data: { n: 1 },
    })
    await eventually(
      () => Promise.resolve(receiver.received),
      (received) => received.length === 1,
    )

    // Its application owns nothing, so that it has no power over the audit log; the command finds the database by itself.
    const verify = run('src/cli/audit-verify.ts', { PATH: env.PATH ?? '', DATA_DIR: env.DATA_DIR ?? '' })
    expect(await verify.exited).toBe(0)
    expect(verify.output()).toContain(`head ${tenant.id}:`)

    first.kill('SIGINT')
    expect(await first.exited).toBe(0)
    expect(processesOf(env.DATA_DIR ?? '')).toEqual([])

    const second = run('src/main.ts', env)
    const readyAgain = await second.line('ready')
    expect(readyAgain).not.toContain('platform-key')
    const log = await fetch(`${api}/events/${event.id}`, { headers: { authorization: `Bearer ${key}` } })
    expect(await log.json()).toMatchObject({
      status: 'delivered',
      deliveries: [{ attempts: [{ responseCode: 200 }] }],
    })
    second.kill('SIGTERM')
    expect(await second.exited).toBe(0)
    expect(processesOf(env.DATA_DIR ?? '')).toEqual([])
  },
)

it('a second npm start on the same data says so, and harms nothing', async () => {
  const env = await freshEnvironment()
  const first = run('src/main.ts', env)
  await first.line('ready')
  const second = run('src/main.ts', { ...env, PORT: String(await freePort()) })
  expect(await second.exited).toBe(1)
  expect(second.output()).toMatch(/another `npm start` \(pid \d+\) is using .*stop it first, or set DATA_DIR/)
  expect((await fetch(`http://127.0.0.1:${env.PORT}/healthz`)).status).toBe(200)
}, 60_000)

it.each(['PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT'])(
  '%s in use: the error names it and the variable',
  async (variable) => {
    const env = await freshEnvironment()
    const blocker = createServer()
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void blocker.close())
    const { port } = blocker.address() as AddressInfo
    const program = run('src/main.ts', { ...env, [variable]: String(port) })
    expect(await program.exited).toBe(1)
    expect(program.output()).toMatch(new RegExp(`port ${port} .*is already in use.*set ${variable} to`, 'i'))
    expect(program.output()).not.toMatch(/^\s+at /m)
    expect(processesOf(env.DATA_DIR ?? '')).toEqual([])
  },
)

it.each([
  [
    { DATABASE_URL: 'postgresql://me:hunter22@127.0.0.1:9/none' },
    /Cannot connect to PostgreSQL at 127\.0\.0\.1:9\/none/,
  ],
  [{ TEMPORAL_ADDRESS: '127.0.0.1:9' }, /Cannot connect to Temporal at 127\.0\.0\.1:9/],
  [
    { PORT: 'http', ADMIN_API_KEY: 'short', EGRESS_ALLOW: '10.0.0.0/99' },
    /PORT: [^]*ADMIN_API_KEY: [^]*EGRESS_ALLOW: /,
  ],
])('%j: one message that says what to do', async (settings, message) => {
  const env = await freshEnvironment()
  const program = run('src/main.ts', { ...env, ...settings })
  expect(await program.exited).toBe(1)
  expect(program.output()).toMatch(message)
  expect(program.output()).not.toContain('hunter22')
  expect(program.output()).not.toMatch(/^\s+at /m)
  expect(processesOf(env.DATA_DIR ?? '')).toEqual([])
})

it('no Temporal server to be had: the error names every way that was tried', async () => {
  const env = await freshEnvironment()
  // A PATH with what PostgreSQL's account needs, and neither `temporal` nor `go`.
  const bin = join(env.HOME ?? '', 'bin')
  rmSync(join(bin, 'temporal'))
  for (const tool of ['id', 'useradd', 'test']) {
    const found = ['/usr/bin', '/usr/sbin']
      .map((folder) => join(folder, tool))
      .find((path) => existsSync(path))
    if (found) symlinkSync(found, join(bin, tool))
  }
  // Nothing listens there, so that the test does not download a server where the internet can be reached.
  const program = run('src/main.ts', { ...env, PATH: bin, TEMPORAL_DOWNLOAD_URL: 'http://127.0.0.1:9' })
  expect(await program.exited).toBe(1)
  for (const way of ['TEMPORAL_ADDRESS', 'PATH', 'download', 'Go']) expect(program.output()).toContain(way)
  expect(program.output()).not.toMatch(/^\s+at /m)
})

it('npm run api and npm run worker name every variable that they lack', async () => {
  for (const root of ['src/server.ts', 'src/worker.ts']) {
    const program = run(root, { PATH: '/usr/bin' })
    expect(await program.exited).toBe(1)
    expect(program.output()).toContain('DATABASE_URL, TEMPORAL_ADDRESS, SECRET_KEYS')
  }
})
