import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import proto from '@temporalio/proto'
import type { Stack } from '../stack.ts'

const { ListWorkflowExecutionsResponse } = proto.temporal.api.workflowservice.v1
const { History } = proto.temporal.api.history.v1

/**
 * Where a text stands in what Temporal holds of a namespace, byte by byte: the histories of all executions, by workflow id and
 * type, and what lists hold of them.
 */
export async function tracesInTemporal(
  { temporal }: Pick<Stack, 'temporal'>,
  text: string,
): Promise<string[]> {
  const { namespace } = temporal.options
  const found: string[] = []
  let nextPageToken: Uint8Array | undefined
  do {
    const page = await temporal.workflowService.listWorkflowExecutions({ namespace, pageSize: 1000, nextPageToken: nextPageToken ?? null }) // prettier-ignore
    if (holds(ListWorkflowExecutionsResponse.encode(page).finish(), text)) found.push('a list')
    for (const { execution, type } of page.executions) {
      const { workflowId, runId } = { workflowId: execution?.workflowId ?? '', runId: execution?.runId ?? '' }
      if (await historyHolds({ temporal }, { workflowId, runId }, text))
        found.push(`${workflowId} ${type?.name ?? ''}`)
    }
    nextPageToken = page.nextPageToken
  } while (nextPageToken.length > 0)
  return found
}

async function historyHolds(
  { temporal }: Pick<Stack, 'temporal'>,
  execution: { workflowId: string; runId: string },
  text: string,
): Promise<boolean> {
  const { namespace } = temporal.options
  let nextPageToken: Uint8Array | null = null
  do {
    try {
      const page: proto.temporal.api.workflowservice.v1.IGetWorkflowExecutionHistoryResponse =
        await temporal.workflowService.getWorkflowExecutionHistory({ namespace, execution, nextPageToken })
      if (page.history && holds(History.encode(page.history).finish(), text)) return true
      nextPageToken = page.nextPageToken ?? null
    } catch (error) {
      // Gone, though lists still show it.
      if (String(error).includes('not found')) return false
      throw error
    }
  } while (nextPageToken && nextPageToken.length > 0)
  return false
}

/** The files below a folder, hidden and broken-off ones too, that hold a text. */
export async function tracesInFiles(root: string, text: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  const read = await Promise.all(files.map(async (file) => ({ file, bytes: await readFile(file) })))
  return read.flatMap(({ file, bytes }) => (holds(bytes, text) ? [file] : []))
}

function holds(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes).includes(text)
}
