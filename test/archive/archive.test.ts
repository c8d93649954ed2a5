import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import S3rver from 's3rver'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Archive, ArchivedRun, ArchiveDay } from '../../src/archive/archive.ts'
import { createFolderArchive } from '../../src/archive/folder.ts'
import { toLine } from '../../src/archive/lines.ts'
import { eraseInPlace } from '../../src/archive/rewrite.ts'
import { createS3Archive } from '../../src/archive/s3.ts'
import type { JsonObject } from '../../src/domain/event.ts'
import { makeEvent } from '../support/event.ts'

const place: ArchiveDay = { tenantId: 'ten_acme', environment: 'sandbox', day: '2026-11-20' }
const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }

function run(id: string, data: JsonObject = { n: 1 }): ArchivedRun {
  return {
    event: makeEvent({ id, data }),
    startedAt: '2026-11-20T10:00:00.000Z',
    endedAt: '2026-11-20T10:00:01.000Z',
    timeline: { status: 'delivered', deliveries: [], routing: [] },
  }
}

async function folderForTest(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-archive-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function fileOf(runs: ArchivedRun[]): Promise<string> {
  const file = join(await folderForTest(), 'lines')
  await writeFile(file, '')
  for (const one of runs) await appendFile(file, toLine(one))
  return file
}

async function readAll(archive: Archive, at = place): Promise<ArchivedRun[]> {
  const runs = []
  for await (const one of archive.read(at)) runs.push(one)
  return runs
}

let store: S3rver
let storeFolder: string
let endpoint: string
beforeAll(async () => {
  storeFolder = await mkdtemp(join(tmpdir(), 'switchyard-s3-test-'))
  store = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: storeFolder,
    configureBuckets: [{ name: 'compliance', configs: [] }],
  })
  const { port } = await store.run()
  endpoint = `http://127.0.0.1:${port}`
})
afterAll(async () => {
  await store.close()
  await rm(storeFolder, { recursive: true, force: true })
})

let prefixes = 0
const newPrefix = () => `switchyard/${(prefixes += 1)}`

const kinds: [kind: string, make: () => Promise<Archive>][] = [
  ['a folder', async () => createFolderArchive(await folderForTest())],
  ['a folder that is not there yet', async () => createFolderArchive(join(await folderForTest(), 'a', 'b'))],
  ['S3', () => createS3Archive({ bucket: 'compliance', prefix: newPrefix(), endpoint, credentials })],
]

describe.each(kinds)('an archive in %s', (_kind, make) => {
  it('gives back what was put there, line by line and in order', async () => {
    const archive = await make()
    const runs = Array.from({ length: 300 }, (_, n) => run(`evt_${n}`, { n, text: 'é'.repeat(n) }))
    await archive.put(place, await fileOf(runs))
    expect(await readAll(archive)).toEqual(runs)
  })

  it('keeps line ends of every kind within a text', async () => {
    const archive = await make()
    const runs = [run('evt_1', { text: 'a\u2028b\u2029c\r\nd\u0085e\u0000', '\u2028': 1 }), run('evt_2')]
    await archive.put(place, await fileOf(runs))
    expect(await readAll(archive)).toEqual(runs)
  })

  it('holds an event of the largest size', async () => {
    const archive = await make()
    const runs = [run('evt_1', { text: 'x'.repeat(256 * 1024) })]
    await archive.put(place, await fileOf(runs))
    expect(await readAll(archive)).toEqual(runs)
  })

  it('gives nothing where nothing was put: another tenant, environment or day', async () => {
    const archive = await make()
    expect(await readAll(archive)).toEqual([])
    await archive.put(place, await fileOf([run('evt_1')]))
    for (const other of [{ tenantId: 'ten_other' }, { environment: 'production' }, { day: '2026-11-21' }])
      expect(await readAll(archive, { ...place, ...other } as ArchiveDay)).toEqual([])
  })

  it('has the later of two files of one place, whole', async () => {
    const archive = await make()
    await archive.put(place, await fileOf([run('evt_1'), run('evt_2'), run('evt_3')]))
    await archive.put(place, await fileOf([run('evt_4')]))
    expect(await readAll(archive)).toMatchObject([{ event: { id: 'evt_4' } }])
  })

  it('keeps what it had when a put fails', async () => {
    const archive = await make()
    await archive.put(place, await fileOf([run('evt_1')]))
    await expect(archive.put(place, join(await folderForTest(), 'missing'))).rejects.toThrow('ENOENT')
    expect(await readAll(archive)).toMatchObject([{ event: { id: 'evt_1' } }])
  })

  it('refuses to read a line that is not whole, after those that are', async () => {
    const archive = await make()
    const file = await fileOf([run('evt_1'), run('evt_2')])
    await writeFile(file, (await readFile(file, 'utf8')).slice(0, -20))
    await archive.put(place, file)
    const seen: string[] = []
    const reading = (async () => {
      for await (const { event } of archive.read(place)) seen.push(event.id)
    })()
    await expect(reading).rejects.toThrow(SyntaxError)
    expect(seen).toEqual(['evt_1'])
  })

  it('names the days that it has of a tenant and environment, the oldest first', async () => {
    const archive = await make()
    expect(await archive.days(place)).toEqual([])
    const file = await fileOf([run('evt_1')])
    for (const day of ['2026-11-20', '2025-01-02', '2026-11-19']) await archive.put({ ...place, day }, file)
    await archive.put({ ...place, environment: 'production', day: '2026-11-18' }, file)
    await archive.put({ ...place, tenantId: 'ten_acme2', day: '2026-11-17' }, file)
    expect(await archive.days(place)).toEqual(['2025-01-02', '2026-11-19', '2026-11-20'])
  })

  it('loses all that a tenant has, and nothing of another one whose id begins alike', async () => {
    const archive = await make()
    const file = await fileOf([run('evt_1')])
    const others = { ...place, tenantId: 'ten_acme2' }
    const places: ArchiveDay[] = [place, { ...place, environment: 'production' }, others]
    for (const each of places) await archive.put(each, file)
    expect(await archive.removeTenant('ten_acme')).toBe(2)
    expect(await archive.removeTenant('ten_acme')).toBe(0)
    for (const each of places.slice(0, 2)) expect(await readAll(archive, each)).toEqual([])
    expect(await readAll(archive, others)).toHaveLength(1)
    await expect(archive.removeTenant('../ten_acme2')).rejects.toThrow('no place')
    await expect(archive.removeTenant('')).rejects.toThrow('no place')
  })

  it('keeps every line of a day but for what is erased of it', async () => {
    const archive = await make()
    const text = 'a secret\u2028of theirs'
    const runs = [run('evt_1'), run('evt_2', { text }), run('evt_3')]
    await archive.put(place, await fileOf(runs))
    const asked = { erasureId: 'era_1', at: new Date().toISOString() }
    expect(await eraseInPlace(archive, place, [{ ...asked, eventId: 'evt_9' }])).toEqual([])
    expect(await readAll(archive)).toEqual(runs)
    expect(await eraseInPlace(archive, place, [{ ...asked, eventId: 'evt_2' }])).toHaveLength(1)
    const [first, second, third] = await readAll(archive)
    expect([first, third]).toEqual([runs[0], runs[2]])
    expect(second).toMatchObject({ erased: asked, event: { id: 'evt_2' }, timeline: { status: 'delivered' } })
    expect(JSON.stringify(second)).not.toContain('secret')
    expect(await eraseInPlace(archive, place, [{ ...asked, eventId: 'evt_2' }])).toEqual([])
  })

  it('can be left while there are lines to read', async () => {
    const archive = await make()
    await archive.put(place, await fileOf(Array.from({ length: 500 }, (_, n) => run(`evt_${n}`))))
    for await (const { event } of archive.read(place)) {
      expect(event.id).toBe('evt_0')
      break
    }
    expect(await readAll(archive)).toHaveLength(500)
  })

  it.each(['../ten_other', 'a/b', '', '.', 'ten_acme\u0000'])(
    'has no place of the tenant %j',
    async (tenantId) => {
      const archive = await make()
      const file = await fileOf([run('evt_1')])
      await expect(archive.put({ ...place, tenantId }, file)).rejects.toThrow('no place')
      await expect(readAll(archive, { ...place, tenantId })).rejects.toThrow('no place')
    },
  )
})

describe('a line of an archive', () => {
  it('ends nowhere but at its end, for readers that take other ends of lines as well', () => {
    const line = toLine(run('evt_1', { text: 'a\u2028b\u2029c\r\nd' }))
    expect(line.split(/[\r\n\u2028\u2029]/)).toEqual([line.trimEnd(), ''])
  })
})

describe('an archive in a folder', () => {
  it('is for its owner alone, one file a tenant, environment and day, and leaves nothing else', async () => {
    const root = join(await folderForTest(), 'archive')
    const archive = createFolderArchive(root)
    const file = await fileOf([run('evt_1')])
    for (const day of ['2026-11-19', '2026-11-20', '2026-11-20']) await archive.put({ ...place, day }, file)
    const paths = [
      'ten_acme',
      'ten_acme/sandbox',
      'ten_acme/sandbox/2026-11-19.jsonl',
      'ten_acme/sandbox/2026-11-20.jsonl',
    ]
    expect((await readdir(root, { recursive: true })).sort()).toEqual(paths)
    const modes = await Promise.all(paths.map(async (path) => (await stat(join(root, path))).mode & 0o777))
    expect(modes).toEqual([0o700, 0o700, 0o600, 0o600])
  })

  it('removes what a put that broke off has left, with the next put of its place', async () => {
    const root = await folderForTest()
    const archive = createFolderArchive(root)
    const file = await fileOf([run('evt_1')])
    await archive.put(place, file)
    const folder = join(root, 'ten_acme', 'sandbox')
    await writeFile(join(folder, '2026-11-20.jsonl.left.part'), 'left')
    await archive.put(place, file)
    expect(await readdir(folder)).toEqual(['2026-11-20.jsonl'])
  })

  it('leaves nothing of a put that failed', async () => {
    const root = await folderForTest()
    await expect(createFolderArchive(root).put(place, join(root, 'missing'))).rejects.toThrow('ENOENT')
    expect(await readdir(join(root, 'ten_acme', 'sandbox'))).toEqual([])
  })
})

describe('an archive in S3', () => {
  it('gives back a day that is too large for one request', async () => {
    const archive = await createS3Archive({
      bucket: 'compliance',
      prefix: newPrefix(),
      endpoint,
      credentials,
    })
    const runs = Array.from({ length: 80 }, (_, n) => run(`evt_${n}`, { text: String(n).repeat(128 * 1024) }))
    await archive.put(place, await fileOf(runs))
    expect(await readAll(archive)).toEqual(runs)
  })

  it('names its objects like a folder’s files, below its prefix or without one', async () => {
    for (const prefix of ['a/b', '']) {
      const archive = await createS3Archive({ bucket: 'compliance', prefix, endpoint, credentials })
      await archive.put(place, await fileOf([run('evt_1')]))
      const path = `/compliance/${prefix === '' ? '' : 'a/b/'}ten_acme/sandbox/2026-11-20.jsonl`
      const response = await fetch(`${endpoint}${path}`)
      expect(response.headers.get('content-type')).toBe('application/x-ndjson')
      expect(await response.json()).toEqual(run('evt_1'))
    }
  })

  it('fails, and does not pass for an empty one, where the bucket is missing or nothing listens', async () => {
    const noBucket = await createS3Archive({ bucket: 'no-such-bucket', prefix: '', endpoint, credentials })
    await expect(readAll(noBucket)).rejects.toThrow('bucket does not exist')
    await expect(noBucket.put(place, await fileOf([run('evt_1')]))).rejects.toThrow('bucket does not exist')
    const nobody = await createS3Archive({
      bucket: 'compliance',
      prefix: '',
      endpoint: 'http://127.0.0.1:1',
      credentials,
    })
    await expect(readAll(nobody)).rejects.toThrow('ECONNREFUSED')
  })

  it('fails, and does not pass for a short one, when the answer breaks off between two lines', async () => {
    const line = toLine(run('evt_1'))
    const broken = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': 2 * Buffer.byteLength(line) })
      response.write(line, () => response.destroy())
    })
    await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void broken.close())
    const { port } = broken.address() as AddressInfo
    const archive = await createS3Archive({
      bucket: 'compliance',
      prefix: '',
      endpoint: `http://127.0.0.1:${port}`,
      credentials,
    })
    await expect(readAll(archive)).rejects.toThrow('aborted')
  })
})
