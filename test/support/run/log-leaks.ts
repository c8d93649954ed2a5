import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Stands in what tests send as personal data and as secrets. No log may ever hold it. */
export const canary = 'CANARY-4f7c'

/** The one line by which a run tells that its logs were looked through, and not a folder that nobody writes to. */
export const proofOfLogging = 'canary.planted'

/** What no log may hold: personal data that tests send, keys, secrets, and what stands before one. */
const forbidden: Readonly<Record<string, RegExp>> = {
  canary: /CANARY-/,
  'a name in an event': /Ångström/,
  'an API key': /sk_(?:live|test|platform)_[\w-]{4}/,
  'a signing secret': /(?:whsec|whsk|apisec)_[\w+/=-]{4}/,
  'a bearer’s token': /\bBearer [\w.~+/=-]{4}/i,
  'a password in a URL': /:\/\/[^\s/@"]*:[^\s/@"]+@/,
}

/** `npm start` and `npm run api` print the first platform key on purpose, once, in the line that says that they are ready. */
const allowed = /^ready {2}/

export interface LogSearch {
  lines: number
  /** Whether the proof was among them. */
  proven: boolean
  /** `file:line: what`, without the line itself: it holds a secret. */
  leaks: string[]
}

/** Looks through every log that the run has written. */
export function searchLogs(folder: string): LogSearch {
  const search: LogSearch = { lines: 0, proven: false, leaks: [] }
  for (const name of readdirSync(folder)) {
    const file = join(folder, name)
    for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
      if (line === '' || allowed.test(line)) continue
      search.lines++
      search.proven ||= line.includes(proofOfLogging)
      search.leaks.push(...leaksIn(line).map((what) => `${file}:${index + 1}: ${what}`))
    }
  }
  return search
}

export function leaksIn(line: string): string[] {
  return Object.entries(forbidden).flatMap(([what, pattern]) => (pattern.test(line) ? [what] : []))
}
