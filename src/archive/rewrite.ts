import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findRequest, withoutData, withoutPayload, type ErasureRequest } from '../domain/redaction/erasure.ts'
import type { Archive, ArchivedRun, ArchiveDay } from './archive.ts'
import { toLine, readLines } from './lines.ts'

/** Runs the work in a temporary folder that only our account can read, and removes it. */
export async function inScratchFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-archive-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A line without its erased parts, or the same object if there are none. */
export function withoutErased(run: ArchivedRun, asked: readonly ErasureRequest[]): ArchivedRun {
  const by = run.erased ? undefined : findRequest(run.event, asked)
  if (!by || run.erased) return run
  const { event, timeline, ...facts } = run
  const erased = { at: by.at, erasureId: by.erasureId }
  return { ...facts, event: withoutData(event), timeline: withoutPayload(timeline), erased }
}

/** Stores a local file without its erased parts. */
export async function putWithoutErased(
  archive: Archive,
  place: ArchiveDay,
  file: string,
  asked: readonly ErasureRequest[],
): Promise<void> {
  if (asked.length === 0) return archive.put(place, file)
  const clean = `${file}.clean`
  await rewrite(readLines(createReadStream(file)), clean, asked)
  await archive.put(place, clean)
  await rm(clean)
}

/** Erases from a day's file atomically. Returns the original lines that were affected. */
export async function eraseInPlace(
  archive: Archive,
  place: ArchiveDay,
  asked: readonly ErasureRequest[],
): Promise<ArchivedRun[]> {
  return inScratchFolder(async (folder) => {
    const file = join(folder, 'day.jsonl')
    const changed = await rewrite(archive.read(place), file, asked)
    if (changed.length > 0) await archive.put(place, file)
    return changed
  })
}

/** The lines that changed, as they are now. */
async function rewrite(
  runs: AsyncIterable<ArchivedRun>,
  file: string,
  asked: readonly ErasureRequest[],
): Promise<ArchivedRun[]> {
  const changed: ArchivedRun[] = []
  await writeFile(file, '', { mode: 0o600 })
  for await (const run of runs) {
    const clean = withoutErased(run, asked)
    if (clean !== run) changed.push(clean)
    await appendFile(file, toLine(clean))
  }
  return changed
}
