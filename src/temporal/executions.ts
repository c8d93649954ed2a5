import { Buffer } from 'node:buffer'
import type { Client } from '@temporalio/client'
import { decodeMapFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js'
import type { EventMemo } from '../workflows/contract.ts'

export interface Execution {
  workflowId: string
  memo: EventMemo
}

/** One page of what a visibility query finds. The cursor is opaque: Temporal's own page token. */
export async function listExecutions(client: Client, query: string, limit: number, cursor?: string) {
  const page = await client.workflowService.listWorkflowExecutions({
    namespace: client.options.namespace,
    query,
    pageSize: limit,
    ...(cursor && { nextPageToken: Buffer.from(cursor, 'base64url') }),
  })
  const executions = await Promise.all(
    page.executions.map(async ({ execution, memo }): Promise<Execution> => {
      const decoded = await decodeMapFromPayloads(client.options.loadedDataConverter, memo?.fields)
      return { workflowId: execution?.workflowId ?? '', memo: decoded as unknown as EventMemo }
    }),
  )
  const more = page.nextPageToken.length > 0
  return { executions, nextCursor: more ? Buffer.from(page.nextPageToken).toString('base64url') : null }
}

/** Text inside a visibility query's quotes. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
