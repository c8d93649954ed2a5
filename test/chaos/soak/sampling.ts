import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { nodes } from '../schedule.ts'
import type { Topology } from '../topology.ts'

/** One figure of one process or store at one time. */
export interface Sample {
  minute: number
  figure: Figure
  of: string
  value: number
}

export const figures = {
  rss: 'resident memory (MiB)',
  descriptors: 'open file descriptors',
  sockets: 'open sockets',
  cached: 'workflows in the cache',
  store: 'size of the stores (MiB)',
} as const
export type Figure = keyof typeof figures

const everyMs = 5_000
const mib = 1024 * 1024

/**
 * Samples our processes, Temporal and both stores until it is stopped. A process or store that is down yields no sample. Reads
 * `/proc`, so it needs Linux.
 */
export function startSampling(topology: Topology) {
  const samples: Sample[] = []
  const startedAt = Date.now()
  let sampling: Promise<void> | undefined

  async function sample(): Promise<void> {
    const minute = (Date.now() - startedAt) / 60_000
    const add = (figure: Figure, of: string, value: number | undefined) => {
      if (value !== undefined) samples.push({ minute, figure, of, value })
    }
    for (const name of [...nodes, 'temporal'] as const) {
      const pid = topology.processes[name].pid()
      add('rss', name, await readRss(pid))
      const { descriptors, sockets } = await countDescriptors(pid)
      add('descriptors', name, descriptors)
      add('sockets', name, sockets)
    }
    for (const name of ['worker-1', 'worker-2'] as const)
      add('cached', name, await countCached(topology.metricsUrls[name]))
    add('store', 'temporal', await sizeOf(topology.temporalFile))
    add('store', 'postgres', await databaseSize(topology.databaseUrl))
  }

  const timer = setInterval(() => {
    sampling ??= sample().finally(() => (sampling = undefined))
  }, everyMs)
  return {
    samples,
    async stop(): Promise<void> {
      clearInterval(timer)
      await sampling
    },
  }
}

/** Resident memory in MiB. */
export async function readRss(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const [, kib] = /VmRSS:\s+(\d+)/.exec(status) ?? []
  return kib === undefined ? undefined : Number(kib) / 1024
}

async function countDescriptors(pid: number): Promise<{ descriptors?: number; sockets?: number }> {
  const folder = `/proc/${pid}/fd`
  const names = await readdir(folder).catch(() => undefined)
  if (!names) return {}
  const targets = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => '')))
  return {
    descriptors: names.length,
    sockets: targets.filter((target) => target.startsWith('socket:')).length,
  }
}

async function countCached(metricsUrl: string): Promise<number | undefined> {
  const metrics = await fetch(metricsUrl, { signal: AbortSignal.timeout(2_000) })
    .then((response) => response.text())
    .catch(() => '')
  const lines = metrics.split('\n').filter((line) => line.startsWith('temporal_sticky_cache_size{'))
  return lines.length === 0 ? undefined : lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

async function sizeOf(file: string): Promise<number> {
  const sizes = await Promise.all(
    [file, `${file}-wal`].map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0) / mib
}

async function databaseSize(databaseUrl: string): Promise<number | undefined> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 2_000 })
  try {
    await client.connect()
    const { rows } = await client.query<{ size: string }>(
      'SELECT pg_database_size(current_database()) AS size',
    )
    return Number(rows[0]?.size) / mib
  } catch {
    return undefined
  } finally {
    await client.end().catch(() => undefined)
  }
}
