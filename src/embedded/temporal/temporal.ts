import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Connection } from '@temporalio/client'
import { type Child, startChild } from '../child-process.ts'
import { choosePort } from '../ports.ts'
import { commandLine, stopLeftover, withRealParent } from '../leftover.ts'

const READY_WITHIN_MS = 30_000
const RETRY_MS = 50

export interface TemporalOptions {
  binary: string
  /** Absent: nothing outlives the server. */
  dbFile?: string
  /** Absent: free ones. */
  port?: number
  uiPort?: number
  /** Starts without the web UI. */
  headless?: boolean
  /** The codec server that decodes payloads for the web UI. */
  uiCodecEndpoint?: string
  namespace: string
  progress: (line: string) => void
  /** Receives each line that the server prints. */
  onLine?: (line: string) => void
}

export interface RunningTemporal {
  address: string
  /** Absent when headless. */
  uiUrl?: string
  pid: number
  /** Calls back when the server exits unexpectedly. */
  onExit: (callback: (why: string) => void) => void
  stop: () => Promise<void>
}

/** Brings up Temporal's development server on loopback only. One caller at a time for a file: lock its folder first. */
export async function startTemporal(options: TemporalOptions): Promise<RunningTemporal> {
  const dbFile = options.dbFile && withRealParent(options.dbFile)
  if (dbFile) await stopLeftoverTemporal(dbFile, options.progress)
  const port = await choosePort(options.port, 'Temporal', 'TEMPORAL_PORT')
  const uiPort = options.headless
    ? undefined
    : await choosePort(options.uiPort, 'Temporal web UI', 'TEMPORAL_UI_PORT')
  const child = await startChild(options.binary, serverArguments(options, dbFile, port, uiPort), {
    // An empty environment: the CLI would take profiles and addresses from TEMPORAL_… variables and files.
    env: {},
    stopSignal: 'SIGTERM',
    exitSignal: 'SIGKILL',
    ...(options.onLine && { onLine: options.onLine }),
  })
  if (dbFile) writeFileSync(pidFilePath(dbFile), `${child.pid}\n`)
  const address = `127.0.0.1:${port}`
  try {
    await untilReady(child, address, options.namespace)
  } catch (error) {
    await child.stop()
    throw error
  }
  return {
    address,
    uiUrl: uiPort === undefined ? undefined : `http://127.0.0.1:${uiPort}`,
    pid: child.pid,
    onExit: child.onExit,
    async stop() {
      await child.stop()
      if (dbFile) rmSync(pidFilePath(dbFile), { force: true })
    },
  }
}

const sqlitePragmas = [
  'journal_mode=wal',
  'synchronous=normal',
  // Erased data must not remain in free pages, nor at the end of a write-ahead log that is reused from its beginning.
  'secure_delete=on',
  'journal_size_limit=0',
]

function serverArguments(
  { namespace, uiCodecEndpoint }: TemporalOptions,
  dbFile: string | undefined,
  port: number,
  uiPort: number | undefined,
): string[] {
  const dynamicConfig = [
    'matching.useNewMatcher=true',
    'matching.enableFairness=true',
    'history.visibilityProcessorEnsureCloseBeforeDelete=true',
    // A run is deleted once the server has noted that all before it is done, which it does every 30 s by default.
    'history.transferProcessorUpdateAckInterval="1s"',
    'history.visibilityProcessorUpdateAckInterval="1s"',
  ]
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...(uiCodecEndpoint === undefined ? [] : ['--ui-codec-endpoint', uiCodecEndpoint]),
    ...(dbFile ? ['--db-filename', dbFile, ...repeated('--sqlite-pragma', sqlitePragmas)] : []),
    ...(namespace === 'default' ? [] : ['--namespace', namespace]),
    ...repeated('--dynamic-config-value', dynamicConfig),
  ]
}

function repeated(flag: string, values: string[]): string[] {
  return values.flatMap((value) => [flag, value])
}

async function untilReady(child: Child, address: string, namespace: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS
  let ended: string | undefined
  void child.exited.then((why) => (ended = why))
  let lastError: unknown
  while (ended === undefined && Date.now() < deadline) {
    try {
      return await ask(address, namespace)
    } catch (error) {
      lastError = error
      await Promise.race([child.exited, delay(RETRY_MS)])
    }
  }
  throw new Error(
    `the Temporal server ${ended ?? `did not answer on ${address} within ${READY_WITHIN_MS / 1000} s`}. ` +
      `Its last output:\n${child.lastLines()}\nFree its ports, or set TEMPORAL_ADDRESS to your own server`,
    { cause: lastError },
  )
}

async function ask(address: string, namespace: string): Promise<void> {
  // Without these, a refused first connection is only retried after a second.
  const channelArgs = {
    'grpc.initial_reconnect_backoff_ms': RETRY_MS,
    'grpc.max_reconnect_backoff_ms': RETRY_MS,
  }
  const connection = await Connection.connect({ address, connectTimeout: 1000, channelArgs })
  try {
    await connection.workflowService.describeNamespace({ namespace })
  } finally {
    await connection.close()
  }
}

/** The pid of the server that another process runs on this file. */
export function findTemporalPid(dbFile: string): number | undefined {
  let pid: number
  try {
    pid = Number.parseInt(readFileSync(pidFilePath(dbFile), 'utf8'), 10)
  } catch {
    return undefined
  }
  const command = commandLine(pid) ?? ''
  return command.includes(' start-dev ') && command.includes(` --db-filename ${dbFile} `) ? pid : undefined
}

/** Stops the server that a killed run left on this file: two servers on one file would corrupt each other's work. */
export async function stopLeftoverTemporal(dbFile: string, progress: (line: string) => void): Promise<void> {
  const pid = findTemporalPid(dbFile)
  if (pid === undefined) return
  progress(`stopping the Temporal server (pid ${pid}) of an earlier run`)
  await stopLeftover(pid, 'SIGTERM')
}

function pidFilePath(dbFile: string): string {
  return `${dbFile}.pid`
}
