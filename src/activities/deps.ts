import type { Archive } from '../archive/archive.ts'
import type { ChannelContext } from '../channels/channel.ts'
import type { Compute } from '../compute/compute.ts'
import type { Db } from '../db/client.ts'
import type { createAcknowledgeLink } from '../domain/crypto/acknowledge-link.ts'
import type { EmailLinks } from '../domain/email/link.ts'
import type { SecretKeys } from '../domain/crypto/secret-box.ts'
import type { Log } from '../log.ts'
import type { Circuits } from './limits/circuits.ts'
import type { Lanes } from './limits/lanes.ts'
import type { Throttles } from './limits/throttles.ts'

/** What activities work with. Only the composition roots construct it. */
export interface ActivityDeps {
  db: Db
  secretKeys: SecretKeys
  context: ChannelContext
  compute: Compute
  lanes: Lanes
  circuits: Circuits
  throttles: Throttles
  /** Where closed events are kept, if the operator wants that. */
  archive?: Archive
  /** Gives the link by which whoever gets a message acknowledges its event. Without a public URL there is none. */
  acknowledgeLink?: ReturnType<typeof createAcknowledgeLink>
  /** Likewise the links by which people confirm that they want mail, and unsubscribe. */
  emailLinks?: EmailLinks
  log: Log
}
