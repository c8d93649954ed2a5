import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { findTemporalBinary } from '../../src/embedded/temporal/binary.ts'
import { scratchFolder } from './scratch.ts'

const architecture = process.arch === 'x64' ? 'amd64' : process.arch
const archiveName = `temporal_cli_1.5.1_${process.platform}_${architecture}.tar.gz`
const nowhere = 'http://127.0.0.1:1'

/** Puts a program there that answers anything with `says`, or fails. */
function place(file: string, { says = 'temporal version 1.5.1', fails = false } = {}): string {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, `#!/bin/sh\necho "${says}"\nexit ${fails ? 1 : 0}\n`, { mode: 0o755 })
  return file
}

/** Serves a release whose archive holds a small program; returns the base of its addresses. */
async function serveRelease(checksum?: string): Promise<string> {
  const folder = scratchFolder()
  place(join(folder, 'temporal'), { says: 'downloaded' })
  execFileSync('tar', ['-czf', join(folder, 'archive'), '-C', folder, 'temporal'])
  const archive = readFileSync(join(folder, 'archive'))
  const sum = checksum ?? createHash('sha256').update(archive).digest('hex')
  const files = new Map<string | undefined, string | Buffer>([
    ['/v1.5.1/checksums.txt', `${'0'.repeat(64)}  another.tar.gz\n${sum}  ${archiveName}\n`],
    [`/v1.5.1/${archiveName}`, archive],
  ])
  const server = createServer((request, response) => {
    const content = files.get(request.url)
    response.writeHead(content ? 200 : 404).end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function find(cacheDir: string, options: { path?: string; downloadBase?: string; lines?: string[] } = {}) {
  const { path = '', downloadBase = nowhere, lines = [] } = options
  return findTemporalBinary({ path, cacheDir, downloadBase, progress: (line) => lines.push(line) })
}

test('the one on PATH comes first', async () => {
  const folder = scratchFolder()
  const onPath = place(join(folder, 'bin', 'temporal'))
  place(join(folder, 'cache', 'temporal-1.5.1', 'temporal'))
  const path = `${join(folder, 'empty')}:${join(folder, 'bin')}`
  expect(await find(join(folder, 'cache'), { path })).toBe(onPath)
})

test('one on PATH that does not answer gives way to the cache', async () => {
  const folder = scratchFolder()
  place(join(folder, 'bin', 'temporal'), { fails: true })
  const cached = place(join(folder, 'cache', 'temporal-1.5.1', 'temporal'))
  expect(await find(join(folder, 'cache'), { path: join(folder, 'bin') })).toBe(cached)
})

test('a release is downloaded, checked and kept for the next start', async () => {
  const cacheDir = scratchFolder()
  const lines: string[] = []
  const binary = await find(cacheDir, { downloadBase: await serveRelease(), lines })
  expect(binary).toBe(join(cacheDir, 'temporal-1.5.1', 'temporal'))
  expect(execFileSync(binary, { encoding: 'utf8' })).toBe('downloaded\n')
  expect(readdirSync(join(cacheDir, 'temporal-1.5.1'))).toEqual(['temporal'])
  expect(lines.at(-1)).toMatch(/^downloaded the Temporal server: .*MB/)
  expect(await find(cacheDir)).toBe(binary)
})

test('two starts at once fill the cache without disturbing each other', async () => {
  const cacheDir = scratchFolder()
  const downloadBase = await serveRelease()
  const binaries = await Promise.all([find(cacheDir, { downloadBase }), find(cacheDir, { downloadBase })])
  expect(new Set(binaries).size).toBe(1)
  expect(readdirSync(join(cacheDir, 'temporal-1.5.1'))).toEqual(['temporal'])
})

test('a download with a wrong checksum is thrown away and Go builds it instead', async () => {
  const folder = scratchFolder()
  const downloadBase = await serveRelease('f'.repeat(64))
  // Stands in for Go: it puts a program where GOBIN says, as `go install` does.
  place(join(folder, 'bin', 'go'), { says: 'built" > "$GOBIN/temporal' })
  const lines: string[] = []
  const binary = await find(join(folder, 'cache'), { path: join(folder, 'bin'), downloadBase, lines })
  expect(readFileSync(binary, 'utf8')).toBe('built\n')
  expect(lines).toContain('building the Temporal server with Go: takes 3–7 minutes, once')
})

test('when every way fails, the error tells each with its reason and what to do', async () => {
  const folder = scratchFolder()
  place(join(folder, 'bin', 'temporal'), { fails: true })
  const downloadBase = await serveRelease('f'.repeat(64))
  const failure = find(join(folder, 'cache'), { path: join(folder, 'bin'), downloadBase })
  await expect(failure).rejects.toThrow(
    new RegExp(
      [
        'no Temporal server could be found, downloaded or built',
        '`temporal` on PATH: .*failed',
        'the cache, .*: not found',
        'the download .*: checksum mismatch: expected f{64}',
        '`go install` of version 1.5.1: not found',
        'Install the Temporal CLI.*TEMPORAL_ADDRESS.*install Go',
      ].join('[^]*'),
    ),
  )
  expect(readdirSync(join(folder, 'cache', 'temporal-1.5.1'))).toEqual([])
})

test('an address without an answer is a reason, too', async () => {
  await expect(find(scratchFolder())).rejects.toThrow(
    /the download from http:\/\/127\.0\.0\.1:1: fetch failed \(.+\)/,
  )
})
