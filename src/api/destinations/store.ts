import { typeid } from 'typeid-js'
import type { Channel } from '../../channels/channel.ts'
import { splitConfig, unmaskConfig } from '../../channels/secrets.ts'
import { inTenantTurn, type Tx } from '../../db/client.ts'
import {
  findDestination,
  openDestination,
  sealConfig,
  type Destination,
  type Scope,
  type StoredKeys,
} from '../../db/destinations/destinations.ts'
import { rememberUnsubscribed } from '../../db/destinations/email-recipients.ts'
import type { DeliveryPolicy, Subscription } from '../../domain/destination.ts'
import type { JsonObject } from '../../domain/event.ts'
import type { AppDeps } from '../deps.ts'
import { getChannel } from '../fields/channel.ts'
import {
  changesTarget,
  chosen,
  mergePolicy,
  policy,
  targetChanged,
  type ChosenStatus,
  type PolicyChange,
} from './columns.ts'
import { completeKeys, type GivenSecret } from './signing-keys.ts'
import { auditChange, auditCreation, auditDeletion, auditKeys } from './view.ts'
import { askNewRecipients, type AskingDeps } from '../recipients/asking.ts'
import { writeRecipients } from '../recipients/store.ts'
import { ApiError, invalid, notFound } from '../errors.ts'
import { refuseFollowing, refuseMasks } from './kept-secrets.ts'
import { toScope, type Writer } from '../auth/caller.ts'
import { requireScope } from '../auth/scopes.ts'
import { validate } from '../fields/validate.ts'

/** The dependencies for writing destinations in a transaction. Every change is audited in it, with the writer as the actor. */
export type StoreDeps = Pick<AppDeps, 'secretKeys' | 'egress' | 'publicUrl' | 'mailFromDomains'> & {
  db: Tx
  writer: Writer
}
type ReadDeps = Pick<StoreDeps, 'db' | 'secretKeys'>

export interface NewDestination {
  name: string
  channel: string
  config: JsonObject
  subscription: Subscription
  delivery: DeliveryPolicy
  status?: ChosenStatus
  /** The tenant's own signing secret. If omitted, one is generated where the channel needs it. */
  secret?: string
  contract?: string
  contractFields?: JsonObject
}

/** Omitted fields keep their values. */
export interface DestinationChange {
  name?: string
  /** Merged field by field; `null` removes a field, and a masked value keeps the stored one. */
  config?: JsonObject
  subscription?: Subscription
  delivery?: PolicyChange
  status?: ChosenStatus
  /** Requires the scope `secrets:write`, as a rotation does. */
  secret?: GivenSecret
  contractFields?: JsonObject
}

/** A destination as it was written, and the secret generated for it, which is shown only once. */
export interface Written {
  destination: Destination
  secret?: string
}

export async function createDestination(
  deps: StoreDeps,
  scope: Scope,
  given: NewDestination,
): Promise<Written> {
  const { secret, name, subscription, delivery, status = 'active', contract, contractFields } = given
  const channel = getChannel(given.channel)
  refuseMasks(channel, given.config)
  const config = validate(channel.config, given.config, 'config') as JsonObject
  check(channel, config, scope, deps)
  await requireRoom(scope, deps)
  const signing = await completeKeys({ db: deps.db, scope }, channel, config, {}, secret)
  const id = typeid('dst').toString()
  const row = await deps.db.destination.create({
    data: {
      id,
      ...scope,
      name,
      channel: channel.name,
      ...sealed(deps, id, channel, config, signing.keys),
      subscription,
      ...policy(channel, delivery),
      ...chosen(status),
      contract,
      contractFields,
    },
  })
  const destination = openDestination(row, deps.secretKeys)
  await writeRecipients(deps, channel, destination)
  await auditCreation(deps.db, deps.writer, destination)
  return { destination, secret: signing.made }
}

export async function changeDestination(
  deps: StoreDeps,
  current: Destination,
  { name, config: changed = {}, subscription, delivery, status, secret, contractFields }: DestinationChange,
): Promise<Written> {
  const scope = toScope(current)
  const channel = getChannel(current.channel)
  const merged = { ...current.config, ...unmaskConfig(channel, changed, current.config) }
  refuseMasks(channel, merged)
  const config = validate(channel.config, dropNulls(merged), 'config') as JsonObject
  refuseFollowing(channel, current, { config, given: changed })
  check(channel, config, scope, deps)
  const signing = await completeKeys({ db: deps.db, scope }, channel, config, current.keys, secret)
  if (secret !== undefined || signing.made !== undefined) requireScope(deps.writer, 'secrets:write')
  const row = await deps.db.destination.update({
    where: { id: current.id, ...scope },
    data: {
      name,
      ...sealed(deps, current.id, channel, config, signing.keys),
      subscription,
      contractFields,
      ...(delivery && policy(channel, mergePolicy(current.delivery, delivery))),
      ...(status && status !== current.status && chosen(status)),
      ...(changesTarget(current, { config, status }) && targetChanged),
    },
  })
  const destination = openDestination(row, deps.secretKeys)
  await writeRecipients(deps, channel, destination)
  await auditChange(deps.db, deps.writer, current, destination)
  return { destination, secret: signing.made }
}

/**
 * Changes only the status, so that it succeeds even if the config would be refused today. Resuming an active destination counts as
 * a recovery: its failures are forgotten.
 */
export async function setStatus(
  deps: StoreDeps,
  current: Destination,
  status: ChosenStatus,
): Promise<Written> {
  const same = status === current.status
  if (same && status === 'paused') return { destination: current }
  const where = { id: current.id, ...toScope(current) }
  const data = { ...(!same && chosen(status)), ...targetChanged }
  const destination = openDestination(await deps.db.destination.update({ where, data }), deps.secretKeys)
  const action = status === 'paused' ? 'destination.paused' : 'destination.resumed'
  await auditChange(deps.db, deps.writer, current, destination, action)
  return { destination }
}

/**
 * Deletes a destination; its pending deliveries will be skipped. Returns false if it does not exist. Unseals no secret, so that a
 * destination whose secrets cannot be unsealed can still be deleted.
 */
export async function deleteDestination(
  { db, writer }: Pick<StoreDeps, 'db' | 'writer'>,
  scope: Scope,
  id: string,
): Promise<boolean> {
  const row = await db.destination.findFirst({ where: { id, ...scope } })
  if (!row) return false
  await rememberUnsubscribed(db, scope, row.id)
  await db.destination.delete({ where: { id: row.id, ...scope } })
  await auditDeletion(db, writer, row)
  return true
}

/** Replaces only the signing keys. `action` is the name in the audit log. */
export async function setKeys(
  deps: StoreDeps,
  current: Destination,
  keys: StoredKeys,
  action: string,
): Promise<void> {
  const { id, channel, config } = current
  const row = await deps.db.destination.update({
    where: { id, ...toScope(current) },
    data: sealed(deps, id, getChannel(channel), config, keys, current.sealedOrigin),
  })
  await auditKeys(deps.db, deps.writer, current, openDestination(row, deps.secretKeys), action)
}

/**
 * Reads a destination, or throws 404, and writes it under the tenant's lock. Config and keys are sealed together, so a change of
 * one part must read the rest under the same lock.
 */
export function inDestinationTurn<Result>(
  deps: TurnDeps,
  writer: Writer,
  id: string,
  change: (store: StoreDeps, current: Destination) => Promise<Result>,
): Promise<Result> {
  return inStoreTurn(deps, writer, async (store) =>
    change(store, await requireDestination(store, writer.scope, id)),
  )
}

type TurnDeps = Omit<StoreDeps, 'db' | 'writer'> & AskingDeps

/** Writes destinations under the tenant's lock, then asks their new recipients for confirmation. */
export async function inStoreTurn<Result>(
  deps: TurnDeps,
  writer: Writer,
  write: (store: StoreDeps) => Promise<Result>,
): Promise<Result> {
  const { scope } = writer
  const result = await inTenantTurn(deps.db, scope.tenantId, (tx) => write(toStore(deps, tx, writer)))
  await askNewRecipients(deps, scope)
  return result
}

export function toStore(deps: Omit<StoreDeps, 'db' | 'writer'>, db: Tx, writer: Writer): StoreDeps {
  const { secretKeys, egress, publicUrl, mailFromDomains } = deps
  return { secretKeys, egress, publicUrl, mailFromDomains, db, writer }
}

/** Returns the destination in this scope, or throws 404. */
export async function requireDestination(
  { db, secretKeys }: ReadDeps,
  scope: Scope,
  id: string,
): Promise<Destination> {
  const found = await findDestination(db, secretKeys, scope, id)
  if (!found) throw notFound('destination')
  return found
}

/** A plan contains every destination with a reason, and must fit into one workflow payload. */
export const maxDestinations = 1000

async function requireRoom(scope: Scope, { db }: StoreDeps): Promise<void> {
  if ((await db.destination.count({ where: { ...scope } })) < maxDestinations) return
  throw new ApiError(
    'limit_reached',
    `A tenant can have at most ${maxDestinations} destinations per environment; delete one first.`,
  )
}

function check(
  channel: Channel,
  config: JsonObject,
  { environment }: Scope,
  { egress, mailFromDomains }: StoreDeps,
): void {
  const problems = channel.check(config, { environment, egress, mailFromDomains })
  if (problems.length > 0)
    throw invalid(problems.map(({ path, message }) => ({ path: `config.${path}`, message })))
}

function sealed(
  { secretKeys }: StoreDeps,
  id: string,
  channel: Channel,
  config: JsonObject,
  keys: StoredKeys,
  origin = channel.origin(config),
) {
  const parts = splitConfig(channel, config)
  return sealConfig(id, { open: parts.open, secret: { config: parts.secret, origin, ...keys } }, secretKeys)
}

/** `null` removes an optional field. */
function dropNulls(config: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null))
}
