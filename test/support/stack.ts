import { randomBytes, randomUUID } from 'node:crypto'
import type { Client } from '@temporalio/client'
import type { WorkflowBundleOption } from '@temporalio/worker'
import type { Express } from 'express'
import supertest from 'supertest'
import { afterAll, beforeAll, inject, onTestFinished } from 'vitest'
import { createCircuits } from '../../src/activities/limits/circuits.ts'
import { createLanes } from '../../src/activities/limits/lanes.ts'
import { createThrottles } from '../../src/activities/limits/throttles.ts'
import { createAdmission, type AdmissionLimits } from '../../src/api/http/admission.ts'
import { createApp } from '../../src/api/app.ts'
import { createReadiness } from '../../src/api/health/readiness.ts'
import type { AppDeps } from '../../src/api/deps.ts'
import { hashKey } from '../../src/api/auth/authorize.ts'
import { createKeyUse } from '../../src/api/auth/key-use.ts'
import { createRateLimits } from '../../src/api/auth/rate-limit.ts'
import type { Archive } from '../../src/archive/archive.ts'
import type { ChannelContext } from '../../src/channels/channel.ts'
import { channelNames } from '../../src/channels/index.ts'
import { createEgress } from '../../src/egress/egress.ts'
import { createCompute, type Compute, type ComputeOptions } from '../../src/compute/compute.ts'
import { openDb, type Db } from '../../src/db/client.ts'
import { createReportedLag } from '../../src/db/limits/tenant-lag.ts'
import { createAcknowledgeLink } from '../../src/domain/crypto/acknowledge-link.ts'
import { createEmailLinks } from '../../src/domain/email/link.ts'
import type { Environment } from '../../src/domain/event.ts'
import type { SecretKeys } from '../../src/domain/crypto/secret-box.ts'
import type { Log } from '../../src/log.ts'
import { createApiMetrics } from '../../src/metrics/api.ts'
import { createExposition } from '../../src/metrics/exposition.ts'
import { createWorkerMetrics } from '../../src/metrics/worker.ts'
import type { PayloadKeys } from '../../src/temporal/payload-codec.ts'
import { hasBegun } from '../../src/temporal/slots/has-begun.ts'
import { installTemporalRuntime } from '../../src/temporal/runtime.ts'
import { startWorkers, type RunningWorkers } from '../../src/workers.ts'
import { createDatabase, createNamespace, openNamespace } from './corner.ts'
import { testAuthority } from './servers/receiver.ts'
import { differences } from './routes/openapi.ts'
import { createTestLog } from './run/test-log.ts'

/** Looked through at the end of the run: see `log-leaks.ts`. */
export const testLog = createTestLog()
installTemporalRuntime(testLog)

/** The product's threads, which are started by their first jobs. */
export function createTestCompute(log: Log, limits?: ComputeOptions['limits']): Compute {
  return createCompute({ thread: new URL('../../src/thread.ts', import.meta.url), log, limits })
}

let computeOfProcess: Compute | undefined

/** The threads of all stacks of this process: a thread takes a second of processor time to start. */
function sharedCompute(): Compute {
  return (computeOfProcess ??= createTestCompute(testLog))
}

/** What links in messages begin with. Nothing listens there: the rest of a link is a path of the app. */
export const publicUrl = 'https://switchyard.test'

export const adminKey = `sk_platform_${'a'.repeat(32)}`

/** Whose it is alone: a database, and a namespace of its name. */
export interface Corner {
  name: string
  databaseUrl: string
}

/** The product as the all-in-one root puts it together. */
export interface SharedStack {
  app: Express
  /** One more on the same database, with some parts of its own. */
  anotherApp(parts?: Partial<AppDeps>): Express
  db: Db
  temporal: Client
  /** What the messages of its destinations carry. */
  acknowledgeLink: ReturnType<typeof createAcknowledgeLink>
}

/** On a database and a Temporal namespace of its own. */
export interface Stack extends SharedStack {
  corner: Corner
  /** Starts the workers, or starts them again after `stopWorkers`; with a bundle, with these workflows instead of the product's. */
  startWorkers(workflowBundle?: WorkflowBundleOption): Promise<void>
  stopWorkers(): Promise<void>
  stop(): Promise<void>
}

/** Tests stop workers, and share the machine: none but those about it is to meet a limit. */
const generous: AdmissionLimits = { slots: 64, maxWaiting: 2_000, maxBacklogMs: 600_000 }

export async function startStack(
  options: {
    workers?: boolean
    mail?: ChannelContext['mail']
    /** Without, the API knows no public URL, and there are no links. */
    links?: boolean
    /** What its egress lets through besides loopback in the sandbox. */
    egressAllow?: readonly string[]
    /** By default that of the test run. */
    log?: Log
    archive?: Archive
    secretKeys?: SecretKeys
    payloadKeys?: PayloadKeys
    /** Of a Temporal server other than the one that all share. */
    temporalAddress?: string
    /** Bounds of its compute threads, where others than the product's are to be met. */
    compute?: ComputeOptions['limits']
    admission?: Partial<AdmissionLimits>
    /** Where an earlier stack worked: that one is stopped. */
    corner?: Corner
  } = {},
): Promise<Stack> {
  const { payloadKeys, temporalAddress, corner: earlier } = options
  const name = earlier?.name ?? `t_${randomUUID().replaceAll('-', '')}`
  const [databaseUrl, { connection, client }] = await Promise.all([
    earlier?.databaseUrl ?? createDatabase(name),
    earlier
      ? openNamespace(name, { address: temporalAddress, payloadKeys })
      : createNamespace(name, { address: temporalAddress, payloadKeys }),
  ])
  const db = openDb(databaseUrl)
  const egress = createEgress({
    allow: options.egressAllow ?? [],
    sandboxLoopback: true,
    extraAuthorities: testAuthority,
  })
  const log = options.log ?? testLog
  const exposition = createExposition({ log })
  const ownCompute = options.log || options.compute ? createTestCompute(log, options.compute) : undefined
  const compute = ownCompute ?? sharedCompute()
  const secretKeys = options.secretKeys ?? [{ id: 'test', key: randomBytes(32) }]
  const acknowledgeLink = createAcknowledgeLink(publicUrl, secretKeys)
  const emailLinks = createEmailLinks(publicUrl, secretKeys)
  const admission = createAdmission(
    { hasBegun: (workflowId) => hasBegun(client, workflowId), lagOf: createReportedLag(db), log },
    { ...generous, ...options.admission },
  )
  const appDeps: AppDeps = {
    db,
    temporal: client,
    eagerStart: options.workers !== false,
    admission,
    // Both services outlive the run.
    readiness: createReadiness({}, { log }),
    metrics: createApiMetrics(exposition),
    secretKeys,
    payloadKeys,
    publicUrl: options.links === false ? undefined : publicUrl,
    mailFromDomains: options.mail?.fromDomains,
    egress,
    compute,
    archive: options.archive,
    rateLimits: createRateLimits(),
    keyUse: createKeyUse({ db, log }),
    adminKeyHash: hashKey(adminKey),
    queryKeys: 'sandbox',
    temporalUiUrl: 'http://temporal-ui.test',
    log,
  }
  const app = createApp(appDeps)

  let workers: RunningWorkers | undefined
  const metrics = createWorkerMetrics(exposition, channelNames)
  async function start(workflowBundle?: WorkflowBundleOption) {
    const deps = {
      db,
      secretKeys,
      context: { egress, mail: options.mail },
      compute,
      lanes: createLanes(),
      circuits: createCircuits(),
      throttles: createThrottles(),
      archive: options.archive,
      acknowledgeLink,
      emailLinks,
      metrics,
      log,
    }
    // The run's bundle has the failure converter of payloads in the clear: with keys, another one is made.
    const ours = payloadKeys ? { payloadKeys } : { workflowBundle: { codePath: inject('workflowBundle') } }
    const bundle = workflowBundle ? { workflowBundle } : ours
    const onEagerDone = () => admission.eagerDone()
    workers = await startWorkers({ connection, namespace: name, deps, onEagerDone, ...bundle })
  }
  if (options.workers !== false) await start()

  return {
    app,
    anotherApp: (parts = {}) => createApp({ ...appDeps, ...parts }),
    db,
    corner: { name, databaseUrl },
    temporal: client,
    acknowledgeLink,
    startWorkers: start,
    async stopWorkers() {
      await workers?.stop()
      workers = undefined
    },
    async stop() {
      await workers?.stop()
      await connection.close()
      await egress.close()
      await ownCompute?.stop()
      await db.$disconnect()
    },
  }
}

/** A stack that only this file uses. */
export function stackOfFile(options: Parameters<typeof startStack>[0] = {}): Stack {
  return ofFile(() => startStack(options))
}

/** Something for all tests of a file: it is there from the first of them on. */
export function ofFile<Thing extends { stop(): Promise<unknown> }>(
  start: () => Promise<Thing>,
  withinMs?: number,
): Thing {
  let thing: Thing
  beforeAll(async () => {
    thing = await start()
  }, withinMs)
  afterAll(async () => void (await thing.stop()))
  return new Proxy({} as Thing, { get: (_target, name) => Reflect.get(thing, name) as unknown })
}

/** A tenant with a key for one environment. */
export async function makeTenant(
  { app }: Pick<Stack, 'app'>,
  environment: Environment = 'sandbox',
  scopes = ['*'],
) {
  const tenant = await supertest(app)
    .post('/api/v1/tenants')
    .auth(adminKey, { type: 'bearer' })
    .send({
      name: 'Acme',
      limits: { apiPerMinute: 10_000, apiBurst: 10_000, ingestPerSecond: 10_000 },
      emailConsent: 'vouched',
    })
    .expect(201)
  const { id } = tenant.body as { id: string }
  return { id, ...(await makeKey({ app }, id, environment, scopes)) }
}

export async function makeKey(
  { app }: Pick<Stack, 'app'>,
  tenantId: string,
  environment: Environment,
  scopes = ['*'],
) {
  const made = await supertest(app)
    .post(`/api/v1/tenants/${tenantId}/keys`)
    .auth(adminKey, { type: 'bearer' })
    .send({ environment, scopes })
    .expect(201)
  const { key, id: keyId, apiSecret } = made.body as { key: string; id: string; apiSecret?: string }
  return { key, keyId, apiSecret, api: apiOf(app, key) }
}

/** The API as a client with this key sees it. Paths are below /api/v1. */
export function apiOf(app: Express, key: string) {
  return apiAt(app, key)
}

/** Likewise, for an API that another process serves. Every answer has to be as OpenAPI describes it. */
export function apiAt(server: Express | string, key: string) {
  const agent = supertest.agent(server).auth(key, { type: 'bearer' })
  const at = (path: string) => `/api/v1${path}`
  return {
    get: (path: string) => agent.get(at(path)).expect(isDocumented),
    post: (path: string, body: object = {}) => agent.post(at(path)).send(body).expect(isDocumented),
    patch: (path: string, body: object) => agent.patch(at(path)).send(body).expect(isDocumented),
    delete: (path: string) => agent.delete(at(path)).expect(isDocumented),
  }
}

function isDocumented({ request, status, type, body }: supertest.Response): void {
  const { method, url } = request as unknown as { method: string; url: string }
  const { pathname: path } = new URL(url)
  const problems = differences({ method, path, status, type, body: body as unknown })
  if (problems.length > 0)
    throw new Error(`The answer is not as OpenAPI describes it:\n${problems.join('\n')}`)
}

export type Api = ReturnType<typeof apiOf>

/**
 * Asks until the answer is as it should be, and fails with the last answer when the time is up. Asking takes processor time from
 * what is waited for, so the pauses grow with the wait: its end is noticed an eighth of it later at most.
 */
export async function eventually<Answer>(
  ask: () => Promise<Answer>,
  isRight: (answer: Answer) => boolean,
  withinMs = 20_000,
) {
  const startedAt = Date.now()
  for (;;) {
    const answer = await ask()
    if (isRight(answer)) return answer
    const elapsedMs = Date.now() - startedAt
    if (elapsedMs > withinMs)
      throw new Error(`still not so after ${withinMs} ms: ${JSON.stringify(answer, null, 2)}`)
    const pauseMs = Math.min(500, Math.max(25, elapsedMs / 8))
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

export interface EventLog {
  id: string
  status: string
  reason?: string
  incomplete?: string
  stuck?: { since: string; attempts: number; cause: string }
  temporalUrl?: string
  data: unknown
  deliveries: {
    destinationId: string
    channel: string
    status: string
    reason?: string
    nextAttemptAt?: string
    attempts: {
      number: number
      at: string
      outcome: string
      responseCode?: number
      durationMs: number
      error?: string
    }[]
  }[]
  routing: { destinationId: string; matched: boolean; reason: string }[]
  replays: EventLog[]
}

export async function readLog(api: Api, eventId: string): Promise<EventLog> {
  return (await api.get(`/events/${eventId}`).expect(200)).body as EventLog
}

/** The event's log once every delivery has ended. */
export function settledLog(api: Api, eventId: string, withinMs?: number): Promise<EventLog> {
  return eventually(
    () => readLog(api, eventId),
    ({ status }) => status !== 'pending',
    withinMs,
  )
}

/** The event's log once a delivery waits for its next attempt. */
export function waitingLog(api: Api, eventId: string): Promise<EventLog> {
  return eventually(
    () => readLog(api, eventId),
    ({ deliveries }) =>
      deliveries.some(({ nextAttemptAt }) => nextAttemptAt !== undefined) &&
      !deliveries.some(({ reason }) => reason === 'the first attempt is in progress'),
  )
}

/** The events of a list once it shows so many: the server writes its index after the fact. */
export async function listedEvents(
  api: Api,
  query = '',
  atLeast = 1,
): Promise<{ id: string; type: string }[]> {
  return eventually(
    async () => {
      const { body } = await api.get(`/events?${query}`).expect(200)
      return (body as { data: { id: string; type: string }[] }).data
    },
    ({ length }) => length >= atLeast,
  )
}

/** Stops it when the test ends, however it ends. */
export function untilTestEnds<Thing extends { stop(): Promise<unknown> }>(thing: Thing): Thing {
  onTestFinished(async () => void (await thing.stop()))
  return thing
}
