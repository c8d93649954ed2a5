import { createHash } from 'node:crypto'
import type { Client } from '@temporalio/client'
import { decodeMapFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js'
import proto from '@temporalio/proto'
import type { Event } from '../../domain/event.ts'
import type { EventMemo } from '../../workflows/contract/lists.ts'

export interface Execution {
  workflowId: string
  runId: string
  /** Unix time in nanoseconds. */
  startedAt: bigint
  /** In nanoseconds as well. Absent while it runs. */
  endedAt: bigint | undefined
  memo: EventMemo
  /** Terminated, cancelled, failed or timed out: it will make no further attempt, whatever its memo says. */
  endedEarly: boolean
}

/** Statuses of workflows that ended without completing, as visibility queries name them. */
export const earlyEnds = ['Failed', 'Canceled', 'Terminated', 'TimedOut'] as const

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
    page.executions.map(async ({ execution, startTime, closeTime, status, memo }): Promise<Execution> => {
      const decoded = await decodeMapFromPayloads(client.options.loadedDataConverter, memo?.fields)
      return {
        workflowId: execution?.workflowId ?? '',
        runId: execution?.runId ?? '',
        startedAt: nanoseconds(startTime),
        endedAt: closeTime ? nanoseconds(closeTime) : undefined,
        memo: decoded as unknown as EventMemo,
        endedEarly: earlyStatuses.has(status ?? 0),
      }
    }),
  )
  return {
    executions,
    nextCursor: page.nextPageToken.length > 0 ? makeCursor(page.nextPageToken, query) : null,
  }
}

/** The maximum page size of a visibility query. */
export const maxPageSize = 1000

/** All that a query finds, page after page, in no order that matters. */
export async function listAllExecutions(
  client: Client,
  query: string,
  pageSize = maxPageSize,
): Promise<Execution[]> {
  const executions: Execution[] = []
  let cursor: string | undefined
  do {
    const page = await listExecutions(client, query, pageSize, cursor)
    executions.push(...page.executions)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return executions
}

/** Conditions of a visibility query for one tenant's environment and workflows of these types. */
export function workflowConditions(
  { tenantId, environment }: Pick<Event, 'tenantId' | 'environment'>,
  types: readonly string[],
): string[] {
  return [
    `WorkflowType IN (${types.map(quoted).join(', ')})`,
    `TenantId = ${quoted(tenantId)}`,
    `Environment = ${quoted(environment)}`,
  ]
}

/** Matches events of a type, or of types with the prefix before a `*`. */
export function typeCondition(type: string): string {
  if (type.endsWith('*')) return `EventType STARTS_WITH ${quoted(type.slice(0, -1))}`
  return `EventType = ${quoted(type)}`
}

const { WorkflowExecutionStatus } = proto.temporal.api.enums.v1
const earlyStatuses = new Set<number>([
  WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED,
  WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED,
  WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED,
  WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT,
])

export async function countExecutions(client: Client, query: string): Promise<number> {
  const { namespace } = client.options
  const { count } = await client.workflowService.countWorkflowExecutions({ namespace, query })
  return Number(count)
}

function nanoseconds(time: { seconds?: unknown; nanos?: number | null } | null | undefined): bigint {
  return BigInt(Number(time?.seconds ?? 0)) * 1_000_000_000n + BigInt(time?.nanos ?? 0)
}

/**
 * Temporal's page token with a checksum of query and token. The server answers a foreign token with an internal error, which the
 * client would retry for ten seconds. The token is not secret: it is only a position in a list.
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

/** A time (Unix ms) in a visibility query, clamped, because an offset can move it beyond the supported range. */
export function quotedTime(unixMs: number): string {
  return quoted(new Date(Math.min(Math.max(unixMs, 0), latestMs)).toISOString())
}

const latestMs = Date.UTC(9999, 11, 31)
