import type { Archive } from '../archive/archive.ts'
import type { ChannelContext } from '../channels/channel.ts'
import type { Compute } from '../compute/compute.ts'
import type { Db } from '../db/client.ts'
import type { createAcknowledgeLink } from '../domain/crypto/acknowledge-link.ts'
import type { EmailLinks } from '../domain/email/link.ts'
import type { SecretKeys } from '../domain/crypto/secret-box.ts'
import type { Log } from '../log.ts'
import type { WorkerMetrics } from '../metrics/worker.ts'
import type { Circuits } from './limits/circuits.ts'
import type { Lanes } from './limits/lanes.ts'
import type { Throttles } from './limits/throttles.ts'

/** The dependencies of activities, constructed by the composition roots only. */
export interface ActivityDeps {
  db: Db
  secretKeys: SecretKeys
  context: ChannelContext
  compute: Compute
  lanes: Lanes
  circuits: Circuits
  throttles: Throttles
  /** The archive of closed events, if the operator has configured one. */
  archive?: Archive
  /** Creates the link by which the reader of a message acknowledges its event. Absent without a public URL. */
  acknowledgeLink?: ReturnType<typeof createAcknowledgeLink>
  /** Creates the links to confirm and to unsubscribe. Absent without a public URL. */
  emailLinks?: EmailLinks
  metrics: WorkerMetrics
  log: Log
}
