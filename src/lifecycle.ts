import { createRedactor } from './log-redaction.ts'

/** Stops what was started in reverse order. */
export class Lifecycle {
  readonly #stops: { what: string; stop: () => Promise<unknown> }[] = []
  #stopping: Promise<void> | undefined

  /** Remembers how to stop what was just started. */
  add(what: string, stop: () => Promise<unknown>): void {
    this.#stops.push({ what, stop })
  }

  /** Stops everything, newest first. Failures are reported and do not stop the rest. A second call waits for the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll()
    return this.#stopping
  }

  async #stopAll(): Promise<void> {
    for (const { what, stop } of this.#stops.toReversed()) {
      try {
        await stop()
      } catch (error) {
        console.error(`${what} did not stop cleanly: ${(error as Error).message}`)
      }
    }
  }
}

const oneMomentMs = 300

/**
 * Runs a root: starts it, stops it on Ctrl-C, SIGTERM or the failure of a part, and ends the process. A failed start prints one
 * message with a remedy and stops everything already started.
 */
export async function runRoot(
  start: (lifecycle: Lifecycle, fail: (why: string) => void) => Promise<void>,
): Promise<void> {
  const lifecycle = new Lifecycle()
  let exitCode = 0

  async function end(): Promise<void> {
    await lifecycle.stop()
    process.exit(exitCode)
  }

  function fail(why: string): void {
    exitCode = 1
    console.error(why)
    void end()
  }

  let presses = 0
  let lastAt = -Infinity
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // A terminal and npm both pass Ctrl-C on: what comes at once is one press.
      const again = performance.now() - lastAt > oneMomentMs
      lastAt = performance.now()
      if (!again) return
      presses += 1
      if (presses > 2) process.exit(130)
      console.error(
        presses === 1 ? `stopping (${signal}) …` : 'still stopping; press once more to exit immediately',
      )
      void end()
    })
  }

  try {
    await start(lifecycle, fail)
  } catch (error) {
    fail(explain(error))
  }
}

/**
 * The messages of an error and its cause, with secrets redacted. The stack is shown only for errors without a message for people.
 */
function explain(error: unknown): string {
  return createRedactor()(startFailure(error))
}

function startFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `\n  cause: ${error.cause.message}` : ''
  const bug = error instanceof TypeError || error instanceof ReferenceError
  return `Switchyard cannot start.\n${bug ? error.stack : error.message}${cause}`
}
