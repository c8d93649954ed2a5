import { LRUCache } from 'lru-cache'
import { RE2JS } from 're2js'

const flags: Partial<Record<string, number>> = {
  i: RE2JS.CASE_INSENSITIVE,
  m: RE2JS.MULTILINE,
  s: RE2JS.DOTALL,
}
const patternMaxLength = 1000
/** All counts in braces together: compiling writes out what they repeat. */
const mostRepeats = 300

/** What compiling costs is paid once. Bounded, because a tenant can write any number of patterns. */
const compiled = new LRUCache<string, RE2JS>({ max: 200 })

/** A pattern in RE2's syntax: matching takes time in proportion to the text, whatever the pattern. Throws for a bad one. */
export function compileRegex(pattern: string, options: string): RE2JS {
  const key = `${options}/${pattern}`
  const known = compiled.get(key)
  if (known) return known
  const made = RE2JS.compile(
    pattern,
    [...options].reduce((sum, letter) => sum | (flags[letter] ?? 0), 0),
  )
  compiled.set(key, made)
  return made
}

/** The size of a compiled pattern, which is what matching costs for each character; or why there is none. */
export function measureRegex(pattern: string, options: string): { size: number } | { problem: string } {
  if (pattern.length > patternMaxLength) return { problem: `takes at most ${patternMaxLength} characters` }
  if (repeatsIn(pattern) > mostRepeats)
    return { problem: `takes at most ${mostRepeats} repeats by counts such as {20}` }
  try {
    return { size: compileRegex(pattern, options).programSize() }
  } catch (error) {
    return { problem: `takes a regular expression in RE2’s syntax: ${reasonOf(error)}` }
  }
}

export function areRegexOptions(text: string): boolean {
  return [...text].every((letter) => letter in flags)
}

function repeatsIn(pattern: string): number {
  const counts = pattern.matchAll(/\{(\d{1,4})(?:,(\d{0,4}))?\}/g)
  return [...counts].reduce((sum, [, least, most]) => sum + Math.max(Number(least), Number(most ?? 0)), 0)
}

/** RE2 names the piece of the pattern that it does not take; of these two people ask why. */
function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error)
  if (/\(\?(<?[=!])/.test(reason)) return `${reason}; there is no look-around, which has no linear time`
  if (/\\[1-9k]/.test(reason)) return `${reason}; there are no back-references, which have no linear time`
  return reason
}
