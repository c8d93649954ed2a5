import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { EnvHttpProxyAgent, fetch, type Response } from 'undici'

/** Short, so that a machine without internet soon goes on to the next way. */
const CONNECT_WITHIN_MS = 5_000
const SILENT_AT_MOST_MS = 20_000
const PROGRESS_EVERY_MS = 2_000

export interface CacheFill {
  version: string
  /** The cache's folder for this version. */
  folder: string
  /** The binary's path in that folder. */
  target: string
  progress: (line: string) => void
}

/** Downloads a release, checks it against the checksums published with it, and unpacks its binary into the cache. */
export async function downloadTemporal(options: CacheFill & { base: string }): Promise<string> {
  const { base, version, folder, target, progress } = options
  const archiveName = releaseFile(version)
  const release = `${base}/v${version}`
  // Proxies from the usual variables are honoured by this agent.
  const dispatcher = new EnvHttpProxyAgent({
    connect: { timeout: CONNECT_WITHIN_MS },
    headersTimeout: SILENT_AT_MOST_MS,
    bodyTimeout: SILENT_AT_MOST_MS,
  })
  const get = async (name: string) => {
    const response = await fetch(`${release}/${name}`, { dispatcher })
    if (!response.ok) throw new Error(`downloading ${name} failed with HTTP ${response.status}`)
    return response
  }
  try {
    const expected = findChecksum(archiveName, await (await get('checksums.txt')).text())
    mkdirSync(folder, { recursive: true })
    const workDir = mkdtempSync(join(folder, 'download-'))
    try {
      const archive = join(workDir, archiveName)
      const actual = await save(await get(archiveName), archive, progress)
      if (actual !== expected) throw new Error(`checksum mismatch: expected ${expected}, got ${actual}`)
      await promisify(execFile)('tar', ['-xf', archive, '-C', workDir])
      renameSync(join(workDir, basename(target)), target)
      return target
    } finally {
      rmSync(workDir, { recursive: true, force: true })
    }
  } finally {
    // Not close(), which would wait for an aborted response.
    await dispatcher.destroy()
  }
}

function releaseFile(version: string): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  return `temporal_cli_${version}_${system}_${architecture}.${system === 'windows' ? 'zip' : 'tar.gz'}`
}

/** The list has lines of `<sha256>  <file>`. */
function findChecksum(name: string, list: string): string {
  const line = list.split('\n').find((candidate) => candidate.trim().endsWith(` ${name}`))
  const checksum = line?.trim().split(/\s+/)[0]
  if (!checksum) throw new Error(`checksums.txt does not list ${name}`)
  return checksum.toLowerCase()
}

/** Writes the body to a file and returns its SHA-256 in hexadecimal. */
async function save(response: Response, file: string, progress: (line: string) => void): Promise<string> {
  if (!response.body) throw new Error('the response has no body')
  const total = Number(response.headers.get('content-length') ?? 0)
  const hash = createHash('sha256')
  let received = 0
  let shownAt = 0
  async function* watched(body: AsyncIterable<Uint8Array>) {
    for await (const chunk of body) {
      hash.update(chunk)
      received += chunk.length
      if (Date.now() - shownAt >= PROGRESS_EVERY_MS) {
        shownAt = Date.now()
        progress(`downloading the Temporal server: ${describeProgress(received, total)}`)
      }
      yield chunk
    }
  }
  await pipeline(Readable.from(watched(response.body as AsyncIterable<Uint8Array>)), createWriteStream(file))
  progress(`downloaded the Temporal server: ${describeProgress(received, total)}`)
  return hash.digest('hex')
}

function describeProgress(received: number, total: number): string {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
  if (total === 0) return `${megabytes(received)} MB`
  return `${megabytes(received)} of ${megabytes(total)} MB (${Math.round((100 * received) / total)} %)`
}
