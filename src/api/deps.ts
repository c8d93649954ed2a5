import type { Client } from '@temporalio/client'
import type { Archive } from '../archive/archive.ts'
import type { Egress } from '../egress/egress.ts'
import type { Compute } from '../compute/compute.ts'
import type { Db } from '../db/client.ts'
import type { SecretKeys } from '../domain/crypto/secret-box.ts'
import type { Log } from '../log.ts'
import type { ApiMetrics } from '../metrics/api.ts'
import type { PayloadKeys } from '../temporal/payload-codec.ts'
import type { Readiness } from './health/readiness.ts'
import type { Admission } from './http/admission.ts'
import type { KeyUse } from './auth/key-use.ts'
import type { RateLimits } from './auth/rate-limit.ts'
import type { QueryKeyPolicy } from './auth/request-key.ts'

/** The API's dependencies. Only the composition roots construct them. */
export interface AppDeps {
  db: Db
  temporal: Client
  /** True if a worker in this process shares the connection, so that events may start on it at once. */
  eagerStart: boolean
  secretKeys: SecretKeys
  /** Keys that encrypt payloads in Temporal. Without them, payloads are not encrypted and the codec server is off. */
  payloadKeys: PayloadKeys | undefined
  /** The URL at which people reach this API, if known. */
  publicUrl: string | undefined
  /** Domains from which tenants may send mail through the platform's mail server. */
  mailFromDomains?: readonly string[]
  egress: Egress
  compute: Compute
  /** Keeps closed events, if the operator has configured an archive. */
  archive: Archive | undefined
  rateLimits: RateLimits
  /** Limits the number of accepted events to what the workers can attempt. */
  admission: Admission
  /** Knows which services are down, and refuses calls that need them. */
  readiness: Readiness
  adminKeyHash: string | undefined
  /** Decides which keys are accepted in the query of a URL. */
  queryKeys: QueryKeyPolicy
  /** Records when keys were last used. */
  keyUse: KeyUse
  /** Origins whose pages may call the API from a browser. */
  corsOrigins?: readonly string[]
  /** Trusted proxies, in Express's form. The API believes what they say about a call's origin. */
  trustProxy?: number | string[]
  /** Base of the links to Temporal's web UI, if configured. */
  temporalUiUrl: string | undefined
  metrics: ApiMetrics
  log: Log
}
