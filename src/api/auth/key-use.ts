import type { Tx } from '../../db/client.ts'
import type { ApiKey } from '../../db/generated/client.ts'
import type { Log } from '../../log.ts'

/** Keeps when keys were last used, to the minute. */
export interface KeyUse {
  /** Returns at once: a request neither waits for it nor fails by it. */
  note(key: Pick<ApiKey, 'id' | 'lastUsedAt'>): void
}

const minuteMs = 60_000

/** Writes at most once a minute for each key, whatever comes in by it. */
export function createKeyUse({ db, log }: { db: Tx; log: Log }, now: () => number = Date.now): KeyUse {
  let minute = 0
  const noted = new Set<string>()

  return {
    note({ id, lastUsedAt }) {
      const current = Math.floor(now() / minuteMs) * minuteMs
      if (current !== minute) noted.clear()
      minute = current
      if (noted.has(id) || (lastUsedAt && lastUsedAt.getTime() >= current)) return
      noted.add(id)
      const at = new Date(current)
      // Another process may have been first, and may be a minute ahead: the time never goes back.
      const older = { OR: [{ lastUsedAt: null }, { lastUsedAt: { lt: at } }] }
      db.apiKey
        .updateMany({ where: { id, ...older }, data: { lastUsedAt: at } })
        .catch((err: unknown) => log.warn({ err, keyId: id }, 'key.use-not-noted'))
    },
  }
}
