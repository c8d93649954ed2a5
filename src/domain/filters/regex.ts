import { LRUCache } from 'lru-cache'
import { RE2JS } from 're2js'

const flags: Partial<Record<string, number>> = {
  i: RE2JS.CASE_INSENSITIVE,
  m: RE2JS.MULTILINE,
  s: RE2JS.DOTALL,
}
const maxPatternLength = 1000
/** The sum of all counts in braces: compiling expands what they repeat. */
const maxRepeats = 300

/** Caches compiled patterns. Bounded, because a tenant can write any number of patterns. */
let compiled = new LRUCache<string, RE2JS>({ max: 200 })

/** Call after interrupting a match: the state that a pattern keeps between matches may be inconsistent. */
export function forgetCompiledRegexes(): void {
  compiled = new LRUCache({ max: 200 })
}

/** The size of a compiled pattern, which is the cost of matching per character, or its problem. */
export type MeasuredRegex = { size: number } | { problem: string }

/** Compiles a pattern in RE2's syntax, which matches in linear time. Throws if it is invalid. */
export function compileRegex(pattern: string, options: string): RE2JS {
  const key = cacheKey(pattern, options)
  const known = compiled.get(key)
  if (known) return known
  const made = RE2JS.compile(
    pattern,
    [...options].reduce((sum, letter) => sum | (flags[letter] ?? 0), 0),
  )
  compiled.set(key, made)
  return made
}

export function measureRegex(pattern: string, options: string): MeasuredRegex {
  const known = measured.get(cacheKey(pattern, options))
  if (known) return known
  const found = compileAndMeasure(pattern, options)
  rememberMeasured(pattern, options, found)
  return found
}

/** By pattern and options. Bounded by their length. */
const measured = new LRUCache<string, MeasuredRegex>({
  maxSize: 4 * 1024 * 1024,
  sizeCalculation: (_measured, key) => 100 + key.length,
})

/** True if `measureRegex` need not compile the pattern. */
export function isMeasured(pattern: string, options: string): boolean {
  return measured.has(cacheKey(pattern, options))
}

/** Stores a measurement that was made elsewhere. */
export function rememberMeasured(pattern: string, options: string, found: MeasuredRegex): void {
  measured.set(cacheKey(pattern, options), found)
}

function cacheKey(pattern: string, options: string): string {
  return `${options}/${pattern}`
}

function compileAndMeasure(pattern: string, options: string): MeasuredRegex {
  if (pattern.length > maxPatternLength)
    return { problem: `must have at most ${maxPatternLength} characters` }
  if (repeatsIn(pattern) > maxRepeats)
    return { problem: `must have at most ${maxRepeats} repetitions in total by counts such as {20}` }
  try {
    return { size: compileRegex(pattern, options).programSize() }
  } catch (error) {
    return { problem: `must be a regular expression in RE2 syntax: ${explainSyntaxError(error)}` }
  }
}

export function areRegexOptions(text: string): boolean {
  return [...text].every((letter) => letter in flags)
}

function repeatsIn(pattern: string): number {
  const counts = pattern.matchAll(/\{(\d{1,4})(?:,(\d{0,4}))?\}/g)
  return [...counts].reduce((sum, [, least, most]) => sum + Math.max(Number(least), Number(most ?? 0)), 0)
}

/** RE2 names the unsupported part of the pattern; these two parts need an explanation. */
function explainSyntaxError(error: unknown): string {
  const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error)
  if (/\(\?(<?[=!])/.test(reason))
    return `${reason}; lookaround is not supported, because it cannot be matched in linear time`
  if (/\\[1-9k]/.test(reason))
    return `${reason}; backreferences are not supported, because they cannot be matched in linear time`
  return reason
}
