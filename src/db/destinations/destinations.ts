import { z } from 'zod'
import { destinationStatuses, type RoutableDestination } from '../../domain/destination.ts'
import { environments, type Environment, type JsonObject } from '../../domain/event.ts'
import { seal, unseal, type SecretKeys } from '../../domain/crypto/secret-box.ts'
import type { SigningKeys } from '../../domain/crypto/signing-keys.ts'
import type { Db, Tx } from '../client.ts'
import type { Destination as Row, Prisma } from '../generated/client.ts'

/** A destination with its secrets decrypted: for the attempt activity and for masking, never for logs or history. */
export interface Destination extends RoutableDestination {
  tenantId: string
  name: string
  /** The whole config, secret fields included. */
  config: JsonObject
  keys: StoredKeys
  /** The origin that the config's secrets were given for. It is encrypted with them, so that they stay bound to it. */
  sealedOrigin?: string
  /** Fields that only the adopted contract's API uses. */
  contractFields?: JsonObject
  /** When the status last changed. */
  statusAt: Date
  /** The time of the first failure since the last delivery that arrived. */
  failingSince?: Date
  /** Incremented when the target of attempts or the status changes. */
  version: number
  /** Incremented with `version`, by a resume, and by an arrival after failures. */
  recoveries: number
  createdAt: Date
  updatedAt: Date
}

/** The destination's own signing keys. */
export interface StoredKeys {
  secret?: string
  /** The tenant brought the secret, or one was made in its place: it takes precedence over the tenant's API secret. */
  ownSecret?: boolean
  /** See `SigningKeys`. */
  privateKey?: string
  /** Keys that were rotated away, newest first. None ends later than the one before it. */
  previous?: readonly PreviousKeys[]
}

/** The keys that a rotation replaced. They sign beside the new ones until `until`, an ISO time. */
export interface PreviousKeys {
  secret?: string
  privateKey?: string
  until: string
}

/** The encrypted part of a destination: the secret fields of its config, and its signing keys. */
interface SealedFields extends StoredKeys {
  config: JsonObject
  /** See `Destination.sealedOrigin`. */
  origin?: string
}

const rowShape = z.object({
  environment: z.enum(environments),
  status: z.enum(destinationStatuses),
  subscription: z.object({
    eventTypes: z.array(z.string()),
    filter: z.custom<JsonObject>().optional(),
  }),
  delivery: z.object({
    schedule: z.array(z.string()),
    timeoutMs: z.number(),
    maxPerSecond: z.number().optional(),
    maxConcurrent: z.number().optional(),
    ordering: z.object({ by: z.string() }).optional(),
  }),
})

export interface Scope {
  tenantId: string
  environment: Environment
}

/** The tenant's destinations in one environment as routing needs them, oldest first. Decrypts no secret. */
export function routableDestinations(db: Db, scope: Scope, ids?: string[]): Promise<RoutableDestination[]> {
  return findRoutable(db, scope, ids && { id: { in: ids } })
}

/** The same for ordered and rate-limited destinations, whose deliveries get their position when the event is accepted. */
export function placedDestinations(db: Db, scope: Scope): Promise<RoutableDestination[]> {
  return findRoutable(db, scope, { placed: true })
}

async function findRoutable(
  db: Db,
  { tenantId, environment }: Scope,
  which?: Prisma.DestinationWhereInput,
): Promise<RoutableDestination[]> {
  const rows = await db.destination.findMany({
    where: { tenantId, environment, ...which },
    omit: { config: true, sealed: true },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  })
  return rows.map((row) => ({ id: row.id, name: row.name, channel: row.channel, ...routable(row) }))
}

export async function findDestination(db: Tx, keys: SecretKeys, scope: Scope, id: string) {
  const row = await db.destination.findFirst({ where: { ...scope, id } })
  return row ? openDestination(row, keys) : undefined
}

/** The fields by which people recognise a destination. Decrypts no secret. */
export async function findNamed(db: Tx, { tenantId, environment }: Scope, id: string) {
  const select = { id: true, name: true, channel: true, failingSince: true }
  return db.destination.findFirst({ where: { tenantId, environment, id }, select })
}

/** The columns of a config, its secret fields sealed and bound to this destination. */
export function sealConfig(id: string, parts: { open: JsonObject; secret: SealedFields }, keys: SecretKeys) {
  return { config: parts.open, sealed: seal(JSON.stringify(parts.secret), keys, id) }
}

export function openDestination(row: Row, keys: SecretKeys): Destination {
  const { config, origin, ...signing } = JSON.parse(unseal(row.sealed, keys, row.id)) as SealedFields
  return {
    id: row.id,
    tenantId: row.tenantId,
    name: row.name,
    channel: row.channel,
    ...routable(row),
    config: { ...(row.config as JsonObject), ...config },
    keys: signing,
    sealedOrigin: origin,
    contractFields: (row.contractFields as JsonObject | null) ?? undefined,
    statusAt: row.statusAt,
    failingSince: row.failingSince ?? undefined,
    version: row.version,
    recoveries: row.recoveries,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}

/** The destination's own keys that sign at this time, without the tenant's. */
export function ownSigningKeys(stored: StoredKeys, now: Date): SigningKeys {
  const inForce = [stored, ...previousInForce(stored, now)]
  return {
    secrets: inForce.flatMap(({ secret }) => secret ?? []),
    privateKeys: inForce.flatMap(({ privateKey }) => privateKey ?? []),
  }
}

/** Previous keys whose overlap has not ended, newest first: the first one ends last. */
export function previousInForce({ previous = [] }: StoredKeys, now: Date): PreviousKeys[] {
  return previous.filter(({ until }) => new Date(until) > now)
}

type RoutableRow = Pick<
  Row,
  'environment' | 'status' | 'statusReason' | 'subscription' | 'delivery' | 'contract'
>

/** The columns that routing decides by. */
export function routable(row: RoutableRow) {
  const { statusReason, contract } = row
  return {
    ...rowShape.parse(row),
    statusReason: statusReason ?? undefined,
    contract: contract ?? undefined,
  }
}
