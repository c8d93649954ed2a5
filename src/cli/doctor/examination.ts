/** The outcome of one check. `skipped`: a check that it depends on has failed. */
export type Status = 'ok' | 'warning' | 'failed' | 'skipped'

export interface Finding {
  status: Status
  /** The finding in one sentence. Contains no secret. */
  message: string
  /** How to fix it. */
  remedy?: string
}

export interface Check {
  name: string
  /** Names of earlier checks without which this one cannot work. */
  needs?: readonly string[]
  /** Rejecting counts as a failure. */
  run: (signal: AbortSignal) => Promise<Finding>
  /** The remedy to report if `run` rejects. */
  remedy: string
}

export type Result = Finding & { name: string }

export const ok = (message: string): Finding => ({ status: 'ok', message })
export const warning = (message: string, remedy: string): Finding => ({ status: 'warning', message, remedy })
export const failed = (message: string, remedy: string): Finding => ({ status: 'failed', message, remedy })

/** A check that takes longer has failed: something does not answer. */
const deadlineMs = 10_000

/** Runs the checks one after the other. Calls back with each result as it is known, its message redacted. */
export async function examine(
  checks: readonly Check[],
  redact: (text: string) => string,
  onResult: (result: Result) => void,
): Promise<Result[]> {
  const results: Result[] = []
  for (const check of checks) {
    const finding = await findingOf(check, results)
    const result = { name: check.name, ...finding, message: redact(finding.message) }
    results.push(result)
    onResult(result)
  }
  return results
}

async function findingOf({ needs = [], run, remedy }: Check, earlier: readonly Result[]): Promise<Finding> {
  const unmet = needs.find((name) =>
    earlier.some(
      (result) => result.name === name && (result.status === 'failed' || result.status === 'skipped'),
    ),
  )
  if (unmet !== undefined) return { status: 'skipped', message: `needs: ${unmet}` }
  const signal = AbortSignal.timeout(deadlineMs)
  try {
    return await Promise.race([run(signal), rejectWhenAborted(signal)])
  } catch (error) {
    return failed(describe(error), remedy)
  }
}

function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error(`no answer within ${deadlineMs / 1000} s`))),
  )
}

/** An error's message, with that of its cause. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `: ${describe(error.cause)}` : ''
  return `${error.message || error.name}${cause}`
}
