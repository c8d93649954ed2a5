import { ApiError, invalid, type FieldError } from '../errors.ts'

const most = 100

/** Collects the problems of all parts of a document, so that the caller sees all of them at once. */
export interface Problems {
  readonly none: boolean
  /** True once the maximum number of reported problems is reached. */
  readonly enough: boolean
  add(path: string, message: string): void
  /** Returns the result of `work`. If it throws validation errors, records them below `path` and returns `undefined`. */
  within<Result>(path: string, work: () => Result | Promise<Result>): Promise<Result | undefined>
  /** Throws all recorded problems, if any. */
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
