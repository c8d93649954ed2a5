import { ApiError, invalid, type FieldError } from '../errors.ts'

const most = 100

/** What is wrong with a document, from all of its parts: whoever mends it is to see everything at once. */
export interface Problems {
  readonly none: boolean
  /** So many that no more are shown. */
  readonly enough: boolean
  add(path: string, message: string): void
  /** Answers with what `work` does, unless it refuses; then what is wrong is noted below `path`. */
  within<Result>(path: string, work: () => Result | Promise<Result>): Promise<Result | undefined>
  /** Throws all of them, if there are any. */
  refuse(): void
}

export function createProblems(): Problems {
  const found: FieldError[] = []
  return {
    get none() {
      return found.length === 0
    },
    get enough() {
      return found.length >= most
    },
    add: (path, message) => void found.push({ path, message }),
    async within(path, work) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'invalid_request') throw error
        found.push(...(error.errors ?? []).map((one) => ({ ...one, path: below(path, one.path) })))
        return undefined
      }
    },
    refuse() {
      if (found.length > 0) throw invalid(found.slice(0, most))
    },
  }
}

function below(path: string, inner: string): string {
  return inner === '(body)' ? path : `${path}.${inner}`
}
