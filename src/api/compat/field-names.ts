import { ApiError, invalid } from '../errors.ts'

/**
 * Names fields as a contract's client wrote them: what the store says about `config.url` is about its `webhook_url`. Longer
 * paths go with the name that they begin with.
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
