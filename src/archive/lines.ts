import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { ArchivedRun, ArchivePlace } from './archive.ts'

/** Where a place is, below the archive's own: the same in a folder and in a bucket. */
export function pathOf({ tenantId, environment, day }: ArchivePlace): string {
  const parts = [tenantId, environment, day]
  // Ids are ours and hold nothing else; what does is no place, and must not become another one.
  if (!parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part))) throw new Error('this is no place in an archive')
  return `${parts.join('/')}.jsonl`
}

/** One line, with its end. Some readers end a line at U+2028 and U+2029, too (Python's `splitlines`): JSON leaves them as they are. */
export function lineOf(run: ArchivedRun): string {
  const json = JSON.stringify(run).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
  return `${json}\n`
}

/** Throws where the stream breaks off or a line is not whole: what is missing must not pass for what never was. */
export async function* readLines(stream: Readable): AsyncGenerator<ArchivedRun> {
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity }))
      yield JSON.parse(line) as ArchivedRun
  } finally {
    stream.destroy()
  }
}
