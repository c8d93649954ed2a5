const last = new Map<string, Promise<unknown>>()

/** Does work of the same key one after the other, in the order in which it was asked for, within this process. */
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
