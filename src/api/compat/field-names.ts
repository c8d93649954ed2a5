import { ApiError, invalid } from '../errors.ts'

/**
 * Renames fields in errors to the names of a contract's client: a problem with `config.url` is reported for `webhook_url`. Longer
 * paths are renamed by their beginning.
 */
export async function withFieldNames<Result>(
  names: Readonly<Record<string, string>>,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'invalid_request') throw error
    throw invalid((error.errors ?? []).map(({ path, message }) => ({ path: rename(path, names), message })))
  }
}

function rename(path: string, names: Readonly<Record<string, string>>): string {
  const [ours, theirs] = Object.entries(names).find(([name]) => `${path}.`.startsWith(`${name}.`)) ?? []
  return ours === undefined || theirs === undefined ? path : theirs + path.slice(ours.length)
}
