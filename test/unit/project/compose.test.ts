import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../../src/config.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')

interface Service {
  image?: string
  stop_grace_period?: string
  environment?: Record<string, string>
}

const { services } = parse(text, { merge: true }) as { services: Record<string, Service> }

it('docker-compose.yml follows the Compose Specification', () => {
  const dclint = join(root, 'node_modules', '.bin', 'dclint')
  const run = () => execFileSync(dclint, ['--quiet', 'docker-compose.yml'], { cwd: root, encoding: 'utf8' })
  expect(run).not.toThrow()
})

it('pins every image, and uses none that is no longer maintained', () => {
  const images = Object.values(services).map(({ image = '' }) => image)
  expect(images.filter((image) => !/:v?\d+(\.\d+)+/.test(image))).toEqual([])
  expect(images.filter((image) => image.includes('auto-setup'))).toEqual([])
})

it('gives a worker more time to stop than its attempts may take', () => {
  const [, graceSeconds] =
    /shutdownGraceTime = '(\d+)s'/.exec(readFileSync(join(root, 'src/workers.ts'), 'utf8')) ?? []
  for (const name of ['api', 'worker'])
    expect(parseInt(services[name]?.stop_grace_period ?? '', 10)).toBeGreaterThan(Number(graceSeconds))
})

it('docker/create-env.sh writes the keys that the file needs, and never writes them again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-env-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'docker'))
  cpSync(join(root, 'docker/create-env.sh'), join(folder, 'docker/create-env.sh'))
  const file = join(folder, '.env')
  const create = () => execFileSync('sh', ['docker/create-env.sh'], { cwd: folder, encoding: 'utf8' })

  expect(create()).toContain('.env is written')
  const written = readFileSync(file, 'utf8')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(create()).toContain('.env exists and is left as it is')
  expect(readFileSync(file, 'utf8')).toBe(written)

  const given = Object.fromEntries(written.split('\n').map((line) => line.split(/=(.*)/s))) as Record<
    string,
    string
  >
  const needed = [...text.matchAll(/\$\{(\w+):\?/g)].map(([, name = '']) => name)
  expect(needed.filter((name) => !given[name])).toEqual([])
  const environment = Object.fromEntries(
    Object.entries(services.api?.environment ?? {}).map(([name, value]) => [
      name,
      value.startsWith('${') ? given[name] : value,
    ]),
  )
  expect(readConfig(environment)).toMatchObject({ TEMPORAL_ADDRESS: 'temporal:7233' })
})
