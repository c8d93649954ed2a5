import { WorkflowNotFoundError, type Client } from '@temporalio/client'
import pMap from 'p-map'
import { afterAll, beforeAll } from 'vitest'
import { startStack, type SharedStack, type Stack } from './stack.ts'

const started = new Map<boolean, Promise<Stack>>()

/**
 * The stack of all files of this process that are content with tenants of their own: its database and namespace hold what other
 * files have left there. It is faster than `stackOfFile` by a start of the workers. It ends with the process.
 */
export function sharedStack({ workers = true } = {}): SharedStack {
  let stack: Stack
  let app: SharedStack['app']
  beforeAll(async () => {
    if (!started.has(workers)) started.set(workers, startStack({ workers }))
    stack = await (started.get(workers) as Promise<Stack>)
    // An app has counters of wrong keys by address.
    app = stack.anotherApp()
  })
  if (workers) afterAll(() => endWorkflows(stack.temporal))
  return {
    get app() {
      return app
    },
    get db() {
      return stack.db
    },
    get temporal() {
      return stack.temporal
    },
    get acknowledgeLink() {
      return stack.acknowledgeLink
    },
    anotherApp: (parts) => stack.anotherApp(parts),
  }
}

/** Otherwise an attempt that a test has left for later could be made at another file's receiver that has got the same port. */
async function endWorkflows({ workflow }: Client): Promise<void> {
  const running = workflow.list({ query: 'ExecutionStatus = "Running"' })
  await pMap(
    running,
    async ({ workflowId, runId }) => {
      await workflow
        .getHandle(workflowId, runId)
        .terminate()
        .catch((error: unknown) => {
          if (!(error instanceof WorkflowNotFoundError)) throw error
        })
    },
    { concurrency: 8 },
  )
}
