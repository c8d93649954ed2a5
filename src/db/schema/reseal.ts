import { seal, unseal, type SecretKeys } from '../../domain/crypto/secret-box.ts'
import type { Db } from '../client.ts'
import { Prisma } from '../generated/client.ts'

/** Every table with a column `sealed`, which is bound to its row's id. A test holds this to the database. */
export const sealedTables = ['ApiSecret', 'Destination'] as const
type SealedTable = (typeof sealedTables)[number]

export interface SealedRow {
  table: SealedTable
  id: string
}

interface Resealed {
  table: SealedTable
  /** The number of rows read so far, and of rows re-encrypted. */
  seen: number
  resealed: number
}

const pageSize = 200

/** Progress callbacks: the current counts, and rows that no key decrypts. Those are left unchanged. */
export interface ResealNews {
  progress(state: Resealed): void
  unopened(row: SealedRow, error: Error): void
}

/**
 * Re-encrypts with the first key everything that is encrypted with another one. It can be interrupted and restarted at any time
 * and runs beside other writers: a row that was changed since it was read is left to the next run.
 */
export async function resealAll(db: Db, keys: SecretKeys, news: ResealNews): Promise<void> {
  for (const table of sealedTables) {
    const state = { table, seen: 0, resealed: 0 }
    for (let page = await readPage(db, table, ''); page.length > 0;) {
      for (const row of page) state.resealed += (await resealRow(db, keys, { table, ...row }, news)) ? 1 : 0
      state.seen += page.length
      news.progress({ ...state })
      page = await readPage(db, table, page.at(-1)?.id ?? '')
    }
  }
}

interface Row {
  id: string
  sealed: string
}

function readPage(db: Db, table: SealedTable, after: string): Promise<Row[]> {
  return db.$queryRaw<Row[]>`
    SELECT "id", "sealed" FROM ${rowName(table)} WHERE "id" > ${after} ORDER BY "id" LIMIT ${pageSize}`
}

async function resealRow(
  db: Db,
  keys: SecretKeys,
  { table, id, sealed }: Row & SealedRow,
  news: ResealNews,
): Promise<boolean> {
  let anew: string
  try {
    anew = seal(unseal(sealed, keys, id), keys, id)
  } catch (error) {
    news.unopened({ table, id }, error as Error)
    return false
  }
  if (readKeyId(sealed) === keys[0]?.id) return false
  // In SQL, because `updatedAt` must not change: the configuration is the same.
  const changed = await db.$executeRaw`
    UPDATE ${rowName(table)} SET "sealed" = ${anew} WHERE "id" = ${id} AND "sealed" = ${sealed}`
  if (changed === 1) return true
  const [now] = await db.$queryRaw<Row[]>`SELECT "id", "sealed" FROM ${rowName(table)} WHERE "id" = ${id}`
  return now ? resealRow(db, keys, { table, ...now }, news) : false
}

/** The number of rows per key id. */
export async function countByKey(db: Db): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const table of sealedTables) {
    const rows = await db.$queryRaw<{ keyId: string; count: bigint }[]>`
      SELECT split_part("sealed", '.', 1) AS "keyId", count(*) AS "count" FROM ${rowName(table)} GROUP BY 1`
    for (const { keyId, count } of rows) counts.set(keyId, (counts.get(keyId) ?? 0) + Number(count))
  }
  return counts
}

function readKeyId(sealed: string): string | undefined {
  return sealed.split('.')[0]
}

function rowName(table: SealedTable): Prisma.Sql {
  return Prisma.raw(`"${table}"`)
}
