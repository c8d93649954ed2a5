import type { Client } from '@temporalio/client'
import type { Archive } from '../archive/archive.ts'
import type { Egress } from '../egress/egress.ts'
import type { Compute } from '../compute/compute.ts'
import type { Db } from '../db/client.ts'
import type { SecretKeys } from '../domain/crypto/secret-box.ts'
import type { Log } from '../log.ts'
import type { PayloadKeys } from '../temporal/payload-codec.ts'
import type { Admission } from './http/admission.ts'
import type { KeyUse } from './auth/key-use.ts'
import type { RateLimits } from './auth/rate-limit.ts'
import type { QueryKeyPolicy } from './auth/request-key.ts'

/** What the API works with. Only the composition roots construct it. */
export interface AppDeps {
  db: Db
  temporal: Client
  /** A worker in this process shares the connection: events may start on it at once. */
  eagerStart: boolean
  secretKeys: SecretKeys
  /** What payloads in Temporal are encrypted with, if they are: without, there is no codec server. */
  payloadKeys: PayloadKeys | undefined
  /** Where people reach this API, if that is known. */
  publicUrl: string | undefined
  /** Domains that tenants may send mail from by the platform's server. */
  mailFromDomains?: readonly string[]
  egress: Egress
  compute: Compute
  /** Where closed events are kept, if the operator wants that. */
  archive: Archive | undefined
  rateLimits: RateLimits
  /** Bounds what is accepted by what can be attempted. */
  admission: Admission
  adminKeyHash: string | undefined
  /** Which keys are taken from a URL's query. */
  queryKeys: QueryKeyPolicy
  /** Keeps when keys were last used. */
  keyUse: KeyUse
  /** Pages of these origins may call the API from a browser. */
  corsOrigins?: readonly string[]
  /** The proxies before us, as Express takes them: their word on where a call comes from is believed. */
  trustProxy?: number | string[]
  /** Base of the links to Temporal's web UI, where there is one. */
  temporalUiUrl: string | undefined
  log: Log
}
