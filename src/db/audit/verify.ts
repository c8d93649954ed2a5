import { hashEntry } from './chain.ts'
import type { Db } from '../client.ts'
import type { AuditEntry } from '../generated/client.ts'

/** An entry's sequence number in its chain, and its hash. */
export interface Head {
  sequence: number
  hash: string
}

/** An entry that is as it was written. */
interface VerifiedEntry extends Head {
  at: Date
}

export interface ChainReport {
  chain: string
  entries: number
  /** Absent where there is none. */
  head?: Head
  /** The first entry that differs from what was written, and why. */
  broken?: { sequence: number; why: string }
}

interface VerifyOptions {
  /** Entries recorded elsewhere. Without them, a truncated chain cannot be detected. */
  expected?: readonly Head[]
  /** Hears how far it has come. */
  onPage?: (entries: number) => void
  pageSize?: number
}

/** The names of all chains, or of one tenant's chains, sorted. */
export async function listChains(db: Db, tenantId?: string): Promise<string[]> {
  const where = { chain: { not: null }, ...(tenantId !== undefined && { tenantId }) }
  const rows = await db.auditEntry.groupBy({ by: ['chain'], where })
  return rows.flatMap(({ chain }) => chain ?? []).sort()
}

/** Entries that predate the chains: whether they were changed cannot be verified. */
export function countUnchained(db: Db, tenantId?: string): Promise<number> {
  return db.auditEntry.count({ where: { chain: null, ...(tenantId !== undefined && { tenantId }) } })
}

/** Verifies a chain from its start up to the first problem. */
export async function verifyChain(
  db: Db,
  chain: string,
  { expected = [], onPage, pageSize = 1000 }: VerifyOptions = {},
): Promise<ChainReport> {
  const report: ChainReport = { chain, entries: 0 }
  let last: VerifiedEntry | undefined
  for (;;) {
    const after = last?.sequence ?? 0
    const page = await db.auditEntry.findMany({
      where: { chain, sequence: { gt: after } },
      orderBy: [{ sequence: 'asc' }, { id: 'asc' }],
      take: pageSize,
    })
    for (const entry of page) {
      const why = findProblem(entry, last) ?? unexpected(entry, expected)
      if (why !== undefined) return { ...report, broken: { sequence: (report.head?.sequence ?? 0) + 1, why } }
      report.entries += 1
      const head = { sequence: entry.sequence ?? 0, hash: entry.hash ?? '' }
      report.head = head
      last = { ...head, at: entry.at }
    }
    onPage?.(report.entries)
    if (page.length < pageSize) break
  }
  const cut = expected.find(({ sequence }) => sequence > report.entries)
  if (!cut) return report
  const why = `missing: the chain now ends before entry ${cut.sequence}`
  return { ...report, broken: { sequence: report.entries + 1, why } }
}

/** Returns what is wrong with an entry, by itself or after the previous one. */
function findProblem(entry: AuditEntry, last: VerifiedEntry | undefined): string | undefined {
  const next = (last?.sequence ?? 0) + 1
  if (entry.sequence !== next) return `missing: the next entry is ${entry.sequence}`
  if (entry.previousHash !== (last?.hash ?? null))
    return 'out of order: it does not follow the previous entry'
  if (entry.hash !== hashEntry(entry)) return 'changed: its content does not match its hash'
  if (last && entry.at < last.at) return 'out of order: it is older than the previous entry'
  return undefined
}

function unexpected({ sequence, hash }: AuditEntry, expected: readonly Head[]): string | undefined {
  const noted = expected.find((head) => head.sequence === sequence)
  return noted && noted.hash !== hash ? 'changed: its hash differs from the expected one' : undefined
}
