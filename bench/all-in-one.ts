import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../src/embedded/ports.ts'

export interface AllInOne {
  url: string
  pid: number
}

/** Starts instances with services of their own, in a folder that `stop` removes. All have the platform key in ADMIN_API_KEY. */
export async function createLauncher() {
  process.env.ADMIN_API_KEY ??= `sk_platform_${randomBytes(24).toString('hex')}`
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-bench-'))
  await chmod(folder, 0o755) // PostgreSQL runs as a user of its own when we are root.
  const children: ChildProcess[] = []
  process.once('exit', () => children.forEach((child) => child.kill('SIGKILL')))
  return {
    async start(name: string, extra: Record<string, string> = {}): Promise<AllInOne> {
      const [port, temporalPort, uiPort] = [await freePort(), await freePort(), await freePort()]
      const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
        cwd: fileURLToPath(new URL('../', import.meta.url)),
        env: {
          ...process.env,
          PORT: String(port),
          TEMPORAL_PORT: String(temporalPort),
          TEMPORAL_UI_PORT: String(uiPort),
          DATA_DIR: join(folder, name),
          LOG_LEVEL: 'error',
          ...extra,
        },
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      children.push(child)
      await once(child.stdout, 'data')
      return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0 }
    },
    async stop(): Promise<void> {
      for (const child of children) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}
