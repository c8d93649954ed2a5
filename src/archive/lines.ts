import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { exactly } from '../domain/json/exact-number.ts'
import { jsonText, keepText, memberText, stringifyExactly } from '../domain/json/json-text.ts'
import type { ArchivedRun, ArchiveDay } from './archive.ts'

/** The day's path within the archive, the same in a folder and in a bucket. */
export function dayPath({ tenantId, environment, day }: ArchiveDay): string {
  const parts = [tenantId, environment, day]
  requireNames(parts)
  return `${parts.join('/')}.jsonl`
}

/** Our ids contain no other characters. Anything else must not be able to form a different path. */
function requireNames(parts: readonly string[]): void {
  if (!parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part))) throw new Error('this is no place in an archive')
}

/** The folder of a tenant, or of one of its environments. */
export function archiveFolder(tenantId: string, environment?: string): string {
  const parts = environment === undefined ? [tenantId] : [tenantId, environment]
  requireNames(parts)
  return parts.join('/')
}

/** The day of a file by its name; undefined for other files. */
export function parseDay(name: string): string | undefined {
  return /^(\d{4}-\d{2}-\d{2})\.jsonl$/.exec(name)?.[1]
}

/** Some readers end a line at U+2028 and U+2029, too (Python's `splitlines`): JSON leaves them as they are. */
const lineBreak = /[\n\r\u2028\u2029]/

/**
 * One line with its line break. An event's data is in it as it was posted; data with line breaks is a string in a separate field.
 */
export function toLine(run: ArchivedRun): string {
  const { data } = run.event
  const text = data && jsonText(data)
  const shown =
    data && text !== undefined && lineBreak.test(text)
      ? { ...run, event: { ...run.event, data: { ...exactly(data) } }, dataText: text }
      : run
  const json = stringifyExactly(shown).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
  return `${json}\n`
}

function readLine(line: string): ArchivedRun {
  const { dataText, ...run } = JSON.parse(line) as ArchivedRun & { dataText?: string }
  const text = dataText ?? memberText(line, 'event', 'data')
  if (text !== undefined) keepText(run.event.data, text)
  return run
}

/** Throws if the stream ends early or a line is incomplete: missing lines must not look as if they had never existed. */
export async function* readLines(stream: Readable): AsyncGenerator<ArchivedRun> {
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) yield readLine(line)
  } finally {
    stream.destroy()
  }
}
