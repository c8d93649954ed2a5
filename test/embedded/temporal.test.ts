import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import {
  type RunningTemporal,
  startTemporal,
  type TemporalOptions,
} from '../../src/embedded/temporal/temporal.ts'
import { prepareNamespace } from '../../src/temporal/namespace.ts'
import { isRunning, killHard, runAside, scratchFolder } from './scratch.ts'

const namespace = 'switchyard'
const progress: string[] = []
const binary = inject('temporalBinary')

async function start(options: Partial<TemporalOptions> = {}): Promise<RunningTemporal> {
  const server = await startTemporal({
    binary,
    namespace,
    headless: true,
    progress: (line) => progress.push(line),
    ...options,
  })
  onTestFinished(() => server.stop())
  return server
}

async function connect(address: string): Promise<Client> {
  const connection = await Connection.connect({ address })
  onTestFinished(() => connection.close())
  const client = new Client({ connection, namespace })
  await prepareNamespace(client, { setRetention: false })
  return client
}

/** No worker takes it, so it stays open. */
async function startWorkflow(client: Client, workflowId: string, searchAttributes: Record<string, string[]>) {
  await client.workflow.start('any', { workflowId, taskQueue: 'nobody', searchAttributes })
}

/** Asks until they are found, for the server writes its index after the fact. */
async function expectToFind(client: Client, query: string, expected: string[]): Promise<void> {
  async function idsFound(): Promise<string[]> {
    const ids: string[] = []
    for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId)
    return ids.sort()
  }
  await expect.poll(idsFound, { timeout: 20_000 }).toEqual(expected)
}

describe('the embedded Temporal server', { timeout: 60_000 }, () => {
  test('keeps workflows over a restart, and takes search attributes at once', async () => {
    const dbFile = join(scratchFolder(), 'temporal', 'temporal.db')
    const first = await start({ dbFile })
    await startWorkflow(await connect(first.address), 'one', { TenantId: ['ten_1'] })
    await first.stop()
    expect(isRunning(first.pid)).toBe(false)

    const second = await start({ dbFile })
    const client = await connect(second.address)
    await startWorkflow(client, 'two', { TenantId: ['ten_1'], Destinations: ['a', 'b'] })
    await expectToFind(client, "TenantId = 'ten_1'", ['one', 'two'])
    await expectToFind(client, "Destinations = 'a' AND Destinations = 'b'", ['two'])
  })

  test('is stopped and started afresh when a killed run left it behind', async () => {
    const dbFile = join(scratchFolder(), 'temporal.db')
    const options = JSON.stringify({ binary, dbFile, namespace, headless: true })
    const { child, printed } = await runAside<{ pid: number; address: string }>(`
      import { startTemporal } from '../../src/embedded/temporal/temporal.ts'
      const { pid, address } = await startTemporal({ ...${options}, progress() {} })
      console.log(JSON.stringify({ pid, address }))
    `)
    await startWorkflow(await connect(printed.address), 'one', { TenantId: ['ten_1'] })
    await killHard(child)
    expect(isRunning(printed.pid)).toBe(true)

    // On the very port that the leftover holds: it has to go before the port is looked at.
    const server = await start({ dbFile, port: Number(printed.address.split(':')[1]) })
    expect(isRunning(printed.pid)).toBe(false)
    expect(progress.at(-1)).toContain(`pid ${printed.pid}`)
    await expectToFind(await connect(server.address), "TenantId = 'ten_1'", ['one'])
  })

  test('keeps workflows when it is killed itself, and reports that', async () => {
    const dbFile = join(scratchFolder(), 'temporal.db')
    const first = await start({ dbFile })
    await startWorkflow(await connect(first.address), 'one', { TenantId: ['ten_1'] })
    const ended = new Promise((resolve) => first.onExit(resolve))
    process.kill(first.pid, 'SIGKILL')
    expect(await ended).toBe('was ended by SIGKILL')

    const second = await start({ dbFile })
    await expectToFind(await connect(second.address), "TenantId = 'ten_1'", ['one'])
  })

  test('runs in memory, with its web UI', async () => {
    const server = await start({ headless: false, namespace: 'default' })
    const page = await fetch(server.uiUrl ?? '')
    expect(page.status).toBe(200)
  })

  test('says why it does not start, with its last lines', async () => {
    const dbFile = join(scratchFolder(), 'temporal.db')
    writeFileSync(dbFile, 'not a database, but long enough to be taken for the header of one'.repeat(20))
    await expect(start({ dbFile })).rejects.toThrow(
      /exited with code 1[^]*not a database[^]*TEMPORAL_ADDRESS/,
    )
  })
})
