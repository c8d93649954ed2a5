import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { ArchivedRun, ArchivePlace } from './archive.ts'

/** Where a place is, below the archive's own: the same in a folder and in a bucket. */
export function pathOf({ tenantId, environment, day }: ArchivePlace): string {
  const parts = [tenantId, environment, day]
  requireNames(parts)
  return `${parts.join('/')}.jsonl`
}

/** Ids are ours and hold nothing else; what does is no place, and must not become another one. */
function requireNames(parts: readonly string[]): void {
  if (!parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part))) throw new Error('this is no place in an archive')
}

/** Where a tenant's places are, or those of one of its environments. */
export function folderOf(tenantId: string, environment?: string): string {
  const parts = environment === undefined ? [tenantId] : [tenantId, environment]
  requireNames(parts)
  return parts.join('/')
}

/** The day of a file, by its name; nothing for what is none of ours. */
export function dayOfFile(name: string): string | undefined {
  return /^(\d{4}-\d{2}-\d{2})\.jsonl$/.exec(name)?.[1]
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
