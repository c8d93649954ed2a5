import { z } from 'zod'
import { destinationStatuses, type RoutableDestination } from '../domain/destination.ts'
import { environments, type Environment, type JsonObject } from '../domain/event.ts'
import { seal, unseal, type SecretKeys } from '../domain/secret-box.ts'
import type { SigningKeys } from '../domain/signing-keys.ts'
import type { Db, Tx } from './client.ts'
import type { Destination as Row } from './generated/client.ts'

/** A destination with its secrets opened: for the attempt activity and for masking, never for logs or history. */
export interface Destination extends RoutableDestination {
  tenantId: string
  name: string
  /** The whole config, secret fields included. */
  config: JsonObject
  keys: StoredKeys
  /** The adopted contract through whose API it was made, and what only that API knows of it. */
  contract?: string | undefined
  contractFields?: JsonObject | undefined
  createdAt: Date
  updatedAt: Date
}

/** The signing keys that a destination has by itself. */
export interface StoredKeys {
  secret?: string | undefined
  /** The tenant brought the secret. */
  ownSecret?: boolean | undefined
  /** See `SigningKeys`. */
  privateKey?: string | undefined
}

/** What is encrypted: the secret fields of the config, and the signing keys. */
interface Sealed extends StoredKeys {
  config: JsonObject
}

const rowShape = z.object({
  environment: z.enum(environments),
  status: z.enum(destinationStatuses),
  subscription: z.object({
    eventTypes: z.array(z.string()),
    filter: z.custom<JsonObject>().optional(),
  }),
  delivery: z.object({ schedule: z.array(z.string()), timeoutMs: z.number() }),
})

export interface Scope {
  tenantId: string
  environment: Environment
}

/** What routing needs of a tenant's destinations in one environment, oldest first. Opens no secret. */
export async function routableDestinations(
  db: Db,
  scope: Scope,
  ids?: string[],
): Promise<RoutableDestination[]> {
  const rows = await db.destination.findMany({
    where: { ...scope, ...(ids && { id: { in: ids } }) },
    omit: { config: true, sealed: true },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  })
  return rows.map((row) => ({ id: row.id, channel: row.channel, ...routable(row) }))
}

export async function findDestination(db: Tx, keys: SecretKeys, scope: Scope, id: string) {
  const row = await db.destination.findFirst({ where: { ...scope, id } })
  return row ? openDestination(row, keys) : undefined
}

/** The columns of a config, its secret fields sealed and bound to this destination. */
export function sealConfig(id: string, parts: { open: JsonObject; secret: Sealed }, keys: SecretKeys) {
  return { config: parts.open, sealed: seal(JSON.stringify(parts.secret), keys, id) }
}

export function openDestination(row: Row, keys: SecretKeys): Destination {
  const { config, ...signing } = JSON.parse(unseal(row.sealed, keys, row.id)) as Sealed
  return {
    id: row.id,
    tenantId: row.tenantId,
    name: row.name,
    channel: row.channel,
    ...routable(row),
    config: { ...(row.config as JsonObject), ...config },
    keys: signing,
    contract: row.contract ?? undefined,
    contractFields: (row.contractFields as JsonObject | null) ?? undefined,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}

/** The keys that sign for a destination by themselves: its own, without the tenant's. */
export function ownSigningKeys({ secret, privateKey }: StoredKeys): SigningKeys {
  return { secrets: secret === undefined ? [] : [secret], privateKey }
}

/** Ends deliveries to a destination until somebody resumes it; the reason is shown wherever it is. */
export async function disableDestination(db: Db, id: string, statusReason: string): Promise<void> {
  await db.destination.updateMany({
    where: { id, status: 'active' },
    data: { status: 'disabled', statusReason },
  })
}

function routable(row: Pick<Row, 'environment' | 'status' | 'statusReason' | 'subscription' | 'delivery'>) {
  return { ...rowShape.parse(row), statusReason: row.statusReason ?? undefined }
}
