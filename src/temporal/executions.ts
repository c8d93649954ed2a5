import { createHash } from 'node:crypto'
import type { Client } from '@temporalio/client'
import { decodeMapFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js'
import type { EventMemo } from '../workflows/contract.ts'

export interface Execution {
  workflowId: string
  runId: string
  /** Unix time in nanoseconds. */
  startedAt: bigint
  memo: EventMemo
}

/** The cursor was not given out for this query. */
export class BadCursor extends Error {}

/** One page of what a visibility query finds. The cursor is opaque, and good for the same query only. */
export async function listExecutions(client: Client, query: string, limit: number, cursor?: string) {
  const page = await client.workflowService.listWorkflowExecutions({
    namespace: client.options.namespace,
    query,
    pageSize: limit,
    ...(cursor && { nextPageToken: readCursor(cursor, query) }),
  })
  const executions = await Promise.all(
    page.executions.map(async ({ execution, startTime, memo }): Promise<Execution> => {
      const decoded = await decodeMapFromPayloads(client.options.loadedDataConverter, memo?.fields)
      return {
        workflowId: execution?.workflowId ?? '',
        runId: execution?.runId ?? '',
        startedAt: nanoseconds(startTime),
        memo: decoded as unknown as EventMemo,
      }
    }),
  )
  return {
    executions,
    nextCursor: page.nextPageToken.length > 0 ? makeCursor(page.nextPageToken, query) : null,
  }
}

export async function countExecutions(client: Client, query: string): Promise<number> {
  const { namespace } = client.options
  const { count } = await client.workflowService.countWorkflowExecutions({ namespace, query })
  return Number(count)
}

function nanoseconds(time: { seconds?: unknown; nanos?: number | null } | null | undefined): bigint {
  return BigInt(Number(time?.seconds ?? 0)) * 1_000_000_000n + BigInt(time?.nanos ?? 0)
}

/**
 * Temporal's page token with a checksum of query and token: the server answers a token that is not its own with an
 * internal error, which the client would retry for ten seconds. It is no secret: a token is only a place in a list.
 */
function makeCursor(token: Uint8Array, query: string): string {
  const checksum = createHash('sha256').update(query).update(token).digest().subarray(0, checksumBytes)
  return Buffer.concat([checksum, token]).toString('base64url')
}

function readCursor(cursor: string, query: string): Uint8Array {
  const token = Buffer.from(cursor, 'base64url').subarray(checksumBytes)
  if (makeCursor(token, query) !== cursor) throw new BadCursor()
  return token
}

const checksumBytes = 6

/** Text inside a visibility query's quotes. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
