/** Slots that keys get in turn, so that no key's queue blocks another's. */
export interface FairSlots {
  /**
   * Waits for a slot. Returns the function that gives it back, which may be called again, or `undefined` where the signal was
   * aborted first.
   */
  take(key: string, signal: AbortSignal): Promise<Release | undefined>
  /** Returns a slot if one is free and no one is waiting. */
  takeNow(): Release | undefined
}

export type Release = () => void

type Waiter = (release: Release) => void

export function createFairSlots(slots: number): FairSlots {
  /** In the order of their turns. */
  const queues = new Map<string, Set<Waiter>>()
  let free = slots

  function occupy(): Release {
    free--
    let given = false
    return () => {
      if (given) return
      given = true
      free++
      next()
    }
  }

  function next(): void {
    const [turn] = queues
    if (free <= 0 || !turn) return
    const [key, queue] = turn
    const [first] = queue
    // The key is the last to have a turn again.
    queues.delete(key)
    if (first) queue.delete(first)
    if (queue.size > 0) queues.set(key, queue)
    first?.(occupy())
  }

  function takeNow(): Release | undefined {
    return free > 0 && queues.size === 0 ? occupy() : undefined
  }

  function enqueue(key: string, waiting: Waiter): void {
    const queue = queues.get(key) ?? new Set()
    queues.set(key, queue.add(waiting))
  }

  function leave(key: string, waiting: Waiter): void {
    const queue = queues.get(key)
    queue?.delete(waiting)
    if (queue?.size === 0) queues.delete(key)
  }

  return {
    takeNow,
    take(key, signal) {
      const release = takeNow()
      if (release) return Promise.resolve(release)
      return new Promise((resolve) => {
        const giveUp = () => {
          leave(key, waiting)
          resolve(undefined)
        }
        const waiting: Waiter = (given) => {
          signal.removeEventListener('abort', giveUp)
          resolve(given)
        }
        if (signal.aborted) return resolve(undefined)
        signal.addEventListener('abort', giveUp)
        enqueue(key, waiting)
      })
    },
  }
}
