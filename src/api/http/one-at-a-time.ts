const last = new Map<string, Promise<unknown>>()

/** Runs work with the same key sequentially, in the order of the calls, within this process. */
export function oneAtATime<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
  const before = last.get(key) ?? Promise.resolve()
  const result = before.then(work)
  const settled = result
    .catch(() => undefined)
    .then(() => {
      if (last.get(key) === settled) last.delete(key)
    })
  last.set(key, settled)
  return result
}
