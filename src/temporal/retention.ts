import type { Client } from '@temporalio/client'

/** The namespace's retention of closed workflows in milliseconds. */
export async function retentionMs(client: Client): Promise<number> {
  const { namespace } = client.options
  const { config } = await client.workflowService.describeNamespace({ namespace })
  return Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1000
}
