import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type PostgresOptions,
  type RunningPostgres,
  startPostgres,
  findRunningUrl,
} from '../../src/embedded/postgres/postgres.ts'
import { canRun, copyBinaries, packagedBinaries } from '../../src/embedded/postgres/binaries.ts'
import { isRunning, killHard, runAside, scratchFolder } from './scratch.ts'

const progress: string[] = []

async function start(dataDir: string, options: Partial<PostgresOptions> = {}): Promise<RunningPostgres> {
  const server = await startPostgres({
    dataDir,
    durable: false,
    progress: (line) => progress.push(line),
    ...options,
  })
  onTestFinished(() => server.stop())
  return server
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

describe('the embedded PostgreSQL', { timeout: 30_000 }, () => {
  test('keeps its data and its password over a restart', async () => {
    const dataDir = join(scratchFolder(), 'postgres')
    const first = await start(dataDir)
    await query(first.url, 'CREATE TABLE note AS SELECT 1 AS kept')
    await first.stop()
    expect(isRunning(first.pid)).toBe(false)

    const second = await start(dataDir)
    expect(await query(second.url, 'SELECT kept FROM note')).toEqual([{ kept: 1 }])
    expect(new URL(second.url).password).toBe(new URL(first.url).password)
    expect(statSync(`${dataDir}.password`).mode & 0o777).toBe(0o600)
  })

  test('is found by other programs through its data folder, while it runs', async () => {
    const dataDir = join(scratchFolder(), 'postgres')
    expect(findRunningUrl(dataDir)).toBeUndefined()
    const server = await start(dataDir)
    expect(findRunningUrl(dataDir)).toBe(server.applicationUrl)
    expect(new URL(server.applicationUrl).password).not.toBe(new URL(server.url).password)
    await server.stop()
    expect(findRunningUrl(dataDir)).toBeUndefined()
  })

  test('speaks UTF-8, listens on loopback only, wants the password and creates further databases', async () => {
    const server = await start(join(scratchFolder(), 'postgres'))
    expect(await query(server.url, "SELECT upper('straßé') AS upper, length('日本') AS length")).toEqual([
      { upper: 'STRAßÉ', length: 2 },
    ])
    expect(await query(server.url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }])
    const intruder = new URL(server.url)
    intruder.password = 'guessed'
    await expect(query(intruder.href, 'SELECT 1')).rejects.toThrow('password authentication failed')

    const url = await server.createDatabase('another')
    expect(await server.createDatabase('another')).toBe(url)
    expect(await query(url, 'SELECT current_database() AS name')).toEqual([{ name: 'another' }])
  })

  test('is stopped and started afresh when a killed run left it behind', async () => {
    const dataDir = join(scratchFolder(), 'postgres')
    const { child, printed } = await runAside<{ pid: number; url: string }>(`
      import { startPostgres } from '../../src/embedded/postgres/postgres.ts'
      const { pid, url } = await startPostgres({ dataDir: '${dataDir}', durable: false, progress() {} })
      console.log(JSON.stringify({ pid, url }))
    `)
    await query(printed.url, 'CREATE TABLE note AS SELECT 1 AS kept')
    await killHard(child)
    expect(isRunning(printed.pid)).toBe(true)

    const server = await start(dataDir)
    expect(server.pid).not.toBe(printed.pid)
    expect(progress.at(-1)).toContain(`pid ${printed.pid}`)
    expect(await query(server.url, 'SELECT kept FROM note')).toEqual([{ kept: 1 }])
  })

  test('is ended with our process even when nobody stopped it', async () => {
    const dataDir = join(scratchFolder(), 'postgres')
    const { child, printed } = await runAside<{ pid: number }>(`
      import { startPostgres } from '../../src/embedded/postgres/postgres.ts'
      const { pid } = await startPostgres({ dataDir: '${dataDir}', durable: false, progress() {} })
      console.log(JSON.stringify({ pid }))
      process.exit(3)
    `)
    if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
    expect(child.exitCode).toBe(3)
    await expect.poll(() => isRunning(printed.pid)).toBe(false)
  })

  test('starts after a first start that was cut off, and with a stale pid file', async () => {
    const dataDir = join(scratchFolder(), 'postgres')
    mkdirSync(join(`${dataDir}.new`, 'cluster'), { recursive: true })
    writeFileSync(join(`${dataDir}.new`, 'cluster', 'PG_VERSION'), '18\n')
    const first = await start(dataDir)
    await first.stop()

    writeFileSync(join(first.dataDir, 'postmaster.pid'), `${process.pid}\n${first.dataDir}\n`)
    await expect(start(dataDir)).resolves.toMatchObject({ dataDir })
  })

  test('reports when it ends by itself, and says why it does not start', async () => {
    const dataDir = join(scratchFolder(), 'postgres')
    const server = await start(dataDir)
    const ended = new Promise((resolve) => server.onExit(resolve))
    process.kill(server.pid, 'SIGKILL')
    expect(await ended).toBe('was ended by SIGKILL')

    writeFileSync(join(dataDir, 'postgresql.conf'), 'no_such_setting = 1\n')
    await expect(start(dataDir)).rejects.toThrow(
      /exited with code 1 while starting[^]*no_such_setting[^]*DATABASE_URL/,
    )
    rmSync(`${dataDir}.password`)
    await expect(start(dataDir)).rejects.toThrow('restore that file')
  })

  test('names a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    await expect(start(join(scratchFolder(), 'postgres'), { port })).rejects.toThrow(
      `port ${port} (PostgreSQL) is already in use`,
    )
  })
})

describe.skipIf(process.getuid?.() !== 0)('as root (skipped for others: they own their folders)', () => {
  /** Below a folder that only root may enter, as a clone in root's home is. */
  function privateDataDir(): string {
    const home = join(scratchFolder(), 'home')
    mkdirSync(home, { mode: 0o700 })
    return join(home, '.data', 'postgres')
  }

  async function startElsewhere(dataDir: string): Promise<RunningPostgres> {
    const server = await start(dataDir)
    onTestFinished(async () => {
      await server.stop()
      rmSync(dirname(server.dataDir), { recursive: true, force: true })
    })
    return server
  }

  test('keeps data of an unreachable folder elsewhere, and says so', { timeout: 30_000 }, async () => {
    const dataDir = privateDataDir()
    const first = await startElsewhere(dataDir)
    expect(first.dataDir).toMatch(/^\/var\/lib\/switchyard\/\w+\/postgres$/)
    expect(progress.at(-1)).toContain(first.dataDir)
    await query(first.url, 'CREATE TABLE note AS SELECT 1 AS kept')
    await first.stop()

    const second = await startElsewhere(dataDir)
    expect(second.dataDir).toBe(first.dataDir)
    expect(await query(second.url, 'SELECT kept FROM note')).toEqual([{ kept: 1 }])
    await second.stop()

    // Deleting the project's data folder must lead to an empty database here, too.
    rmSync(dirname(dataDir), { recursive: true })
    const third = await startElsewhere(dataDir)
    expect(await query(third.url, "SELECT to_regclass('note') AS note")).toEqual([{ note: null }])
    expect(existsSync(`${third.dataDir}.replaced`)).toBe(true)
    expect(readFileSync(`${dataDir}.location`, 'utf8').trim()).toBe(third.dataDir)
  })

  test('copies binaries that its account could not reach, once', async () => {
    const account = { uid: 65_534, gid: 65_534 }
    const [packaged, shared] = [await packagedBinaries(), scratchFolder()]
    const lines: string[] = []
    const copies = [1, 2].map(() => copyBinaries(packaged, shared, (line) => lines.push(line)))
    expect(copies[0]).toEqual(copies[1])
    expect(lines).toHaveLength(1)
    expect(readdirSync(shared)).toHaveLength(1)
    expect(canRun(copies[0]?.postgres ?? '', account)).toBe(true)
    chmodSync(shared, 0o700)
    expect(canRun(copies[0]?.postgres ?? '', account)).toBe(false)
  })
})
