import { environments, eventIdPattern, type Environment, type Event } from '../event.ts'
import type { SecretKeys } from './secret-box.ts'
import { linkBase, readToken, signToken } from './signed-link.ts'

/** The event that a link acknowledges, and its recipient. */
export interface AcknowledgeRef {
  tenantId: string
  environment: Environment
  eventId: string
  destinationId: string
}

/** Below the public URL. Not part of the API: the link itself is the credential. */
export const acknowledgePath = '/acknowledge'

/** A destination's id or its placeholder. */
const partPattern = /^[A-Za-z0-9_-]{1,64}$/

/** Creates the link by which the reader of a message acknowledges its event. */
export function createAcknowledgeLink(publicUrl: string, keys: SecretKeys) {
  const base = linkBase(publicUrl)
  return ({ event, destinationId }: { event: LinkedEvent; destinationId: string }): string => {
    const { id: eventId, tenantId, environment } = event
    const token = makeAcknowledgeToken({ tenantId, environment, eventId, destinationId }, keys)
    return `${base}${acknowledgePath}/${token}`
  }
}

export type LinkedEvent = Pick<Event, 'id' | 'tenantId' | 'environment'>

/** The parts are tenant, environment, event and destination: ids hold no dot. */
export function makeAcknowledgeToken(ref: AcknowledgeRef, keys: SecretKeys): string {
  const { tenantId, environment, eventId, destinationId } = ref
  return signToken('acknowledge', [tenantId, environment, eventId, destinationId], keys)
}

/** Returns the token's content if it was signed with one of the keys. */
export function readAcknowledgeToken(token: string, keys: SecretKeys): AcknowledgeRef | undefined {
  const parts = readToken('acknowledge', token, keys)
  if (parts?.length !== 4) return undefined
  const [tenantId = '', environmentName, eventId = '', destinationId = ''] = parts
  const environment = environments.find((name) => name === environmentName)
  const isWhole =
    [tenantId, destinationId].every((part) => partPattern.test(part)) && eventIdPattern.test(eventId)
  return environment && isWhole ? { tenantId, environment, eventId, destinationId } : undefined
}
