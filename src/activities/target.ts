import type { Channel } from '../channels/channel.ts'
import { readApiSecrets } from '../db/api-secrets.ts'
import { findDestination, ownSigningKeys, type Destination } from '../db/destinations/destinations.ts'
import type { Event } from '../domain/event.ts'
import type { SigningKeys } from '../domain/crypto/signing-keys.ts'
import { urlUnderTest } from '../workflows/contract/event.ts'
import type { AttemptRequest } from './attempt/request.ts'
import type { ActivityDeps } from './deps.ts'

/** The fields of a destination that an attempt needs. */
export type Target = Pick<
  Destination,
  | 'id'
  | 'name'
  | 'tenantId'
  | 'environment'
  | 'channel'
  | 'status'
  | 'statusReason'
  | 'config'
  | 'keys'
  | 'sealedOrigin'
  | 'failingSince'
  | 'version'
  | 'recoveries'
> & {
  delivery: Pick<Destination['delivery'], 'maxPerSecond'>
  subscription: Pick<Destination['subscription'], 'eventTypes'>
}

export async function findTarget(
  { db, secretKeys }: ActivityDeps,
  { tenantId, environment, type }: Event,
  { destinationId, url }: AttemptRequest,
): Promise<Target | undefined> {
  if (url === undefined) return findDestination(db, secretKeys, { tenantId, environment }, destinationId)
  return {
    id: destinationId,
    name: 'tested URL',
    tenantId,
    environment,
    channel: 'webhook',
    status: 'active',
    version: 0,
    recoveries: 0,
    config: { url },
    delivery: {},
    keys: {},
    subscription: { eventTypes: [type] },
  }
}

/**
 * The destination's own keys, or its tenant's API secret if the wire format signs with that. `undefined` if the message must be
 * signed and there is no key. Only a URL under test has no secret.
 */
export async function signingKeys(
  { db, secretKeys }: ActivityDeps,
  channel: Channel,
  { id, tenantId, environment, config, keys: stored }: Target,
): Promise<SigningKeys | undefined> {
  const signing = channel.signing(config)
  const keys =
    signing?.by === 'tenant' && !stored.ownSecret
      ? { secrets: await readApiSecrets(db, secretKeys, { tenantId, environment }) }
      : ownSigningKeys(stored, new Date())
  const missing = signing && keys.secrets.length === 0 && id !== urlUnderTest
  return missing ? undefined : keys
}
