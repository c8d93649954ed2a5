import { seal, unseal, type SecretKeys } from '../../domain/crypto/secret-box.ts'
import type { Db } from '../client.ts'
import { Prisma } from '../generated/client.ts'

/** Every table with a column `sealed`, which is bound to its row's id. A test holds this to the database. */
export const sealedTables = ['ApiSecret', 'Destination'] as const
export type SealedTable = (typeof sealedTables)[number]

export interface SealedRow {
  table: SealedTable
  id: string
}

export interface Resealed {
  table: SealedTable
  /** Rows looked at so far, and of them those that were sealed anew. */
  seen: number
  resealed: number
}

const pageSize = 200

/** What is told while it goes on: how far it has come, and rows that no key opens. Those stay as they are. */
export interface ResealNews {
  progress(state: Resealed): void
  unopened(row: SealedRow, error: Error): void
}

/**
 * Seals with the first key whatever is sealed with another one. It may be stopped and begun again at any time, and others may write
 * meanwhile: a row that somebody has changed since it was read is left to the next look at it.
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
  // By SQL of our own: nobody has changed what is configured, so `updatedAt` stays.
  const changed = await db.$executeRaw`
    UPDATE ${rowName(table)} SET "sealed" = ${anew} WHERE "id" = ${id} AND "sealed" = ${sealed}`
  if (changed === 1) return true
  const [now] = await db.$queryRaw<Row[]>`SELECT "id", "sealed" FROM ${rowName(table)} WHERE "id" = ${id}`
  return now ? resealRow(db, keys, { table, ...now }, news) : false
}

/** How many rows are sealed with which key, by its id. */
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
