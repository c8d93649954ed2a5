import type { Tx } from '../../db/client.ts'
import type { ApiKey } from '../../db/generated/client.ts'
import type { Log } from '../../log.ts'

/** Records when keys were last used, to the minute. */
export interface KeyUse {
  /** Returns at once. A request neither waits for the write nor fails because of it. */
  note(key: Pick<ApiKey, 'id' | 'lastUsedAt'>): void
}

const minuteMs = 60_000

/** Writes at most once a minute for each key, however many calls use it. */
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
      // Another process may have written first, and its clock may be a minute ahead. The time never goes back.
      const older = { OR: [{ lastUsedAt: null }, { lastUsedAt: { lt: at } }] }
      db.apiKey
        .updateMany({ where: { id, ...older }, data: { lastUsedAt: at } })
        .catch((err: unknown) => log.warn({ err, keyId: id }, 'key.use-not-noted'))
    },
  }
}
