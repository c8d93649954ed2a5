import { isDeepStrictEqual } from 'node:util'
import { maskConfig } from '../../channels/secrets.ts'
import { previousInForce, type Destination } from '../../db/destinations/destinations.ts'
import type { Tx } from '../../db/client.ts'
import type { Destination as Row } from '../../db/generated/client.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { maskText } from '../../domain/redaction/redaction.ts'
import { derivePublicKey } from '../../domain/crypto/signing-keys.ts'
import { getChannel } from '../fields/channel.ts'
import type { Writer } from '../auth/caller.ts'
import { asJson, audit, diffFields } from '../audit/writer.ts'

/** Returns a destination for a response, with its secrets masked. */
export function showDestination(destination: Destination) {
  const { id, name, channel, environment, status, statusReason, config, subscription, delivery } = destination
  const { privateKey } = destination.keys
  const [lastToEnd] = previousInForce(destination.keys, new Date())
  return definedOnly({
    id,
    name,
    channel,
    environment,
    status,
    statusReason,
    statusAt: destination.statusAt.toISOString(),
    failingSince: destination.failingSince?.toISOString(),
    config: maskConfig(getChannel(channel), config),
    subscription,
    delivery,
    ...(privateKey && { publicKey: derivePublicKey(privateKey) }),
    previousSecretsEndAt: lastToEnd?.until,
    createdAt: destination.createdAt.toISOString(),
    updatedAt: destination.updatedAt.toISOString(),
  })
}

/** Returns a destination for the audit log, with a mask of its signing secret and the fields that only its contract's API shows. */
function destinationForAudit(destination: Destination) {
  const { secret } = destination.keys
  const { contract, contractFields } = destination
  return definedOnly({
    ...showDestination(destination),
    ...(secret !== undefined && { secret: maskText(secret) }),
    contract,
    contractFields,
  })
}

/** Records a destination's changes in the audit log; records nothing if it has not changed. */
export async function auditChange(
  tx: Tx,
  writer: Writer,
  before: Destination,
  after: Destination,
  action = 'destination.changed',
): Promise<void> {
  // Listed explicitly because two secrets can have the same mask.
  const also = [
    ...(isDeepStrictEqual(before.config, after.config) ? [] : ['config']),
    ...(before.keys.secret === after.keys.secret ? [] : ['secret']),
  ]
  const changes = diffFields(destinationForAudit(before), destinationForAudit(after), also)
  if (changes) await audit(tx, writer, { action, subject: after.id, ...changes })
}

export function auditCreation(tx: Tx, writer: Writer, made: Destination): Promise<void> {
  const after = asJson(destinationForAudit(made))
  return audit(tx, writer, { action: 'destination.created', subject: made.id, after })
}

/** Unseals no secret, so the entry has no secret fields, not even masked ones. */
export function auditDeletion(tx: Tx, writer: Writer, row: Row): Promise<void> {
  const { tenantId: _tenant, sealed: _sealed, placed: _placed, ...stored } = row
  const { version: _version, recoveries: _recoveries, ...shown } = stored
  return audit(tx, writer, { action: 'destination.deleted', subject: row.id, before: asJson(shown) })
}

/** Records a rotation or a revocation, even if the masks of the keys before and after are the same. */
export function auditKeys(
  tx: Tx,
  writer: Writer,
  before: Destination,
  after: Destination,
  action: string,
): Promise<void> {
  const also = before.keys.secret === after.keys.secret ? [] : ['secret']
  const changes = diffFields(destinationForAudit(before), destinationForAudit(after), also)
  return audit(tx, writer, { action, subject: after.id, ...changes })
}
