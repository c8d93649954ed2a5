import type { Client } from '@temporalio/client'
import { isNotFound } from './grpc.ts'

/** The caller gives up earlier. After this time the call has ended. */
const deadlineMs = 4_000
/** No workflow has this id. */
const probeId = 'switchyard-probe'

/**
 * Resolves if Temporal can read workflows. Asks for one that does not exist: to say so, the server needs its history service and
 * its database, whose loss `GetSystemInfo` would not notice.
 */
export async function probeTemporal(client: Client): Promise<void> {
  try {
    await client.withDeadline(Date.now() + deadlineMs, () => client.workflow.getHandle(probeId).describe())
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
