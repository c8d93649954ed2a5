import type { z } from 'zod'
import type { Scope } from '../../db/destinations/destinations.ts'
import type { AppDeps } from '../deps.ts'
import type { ErrorCode } from '../errors.ts'
import type { RouteScope } from '../auth/scopes.ts'
import type { Actor, PlatformCaller, TenantCaller, Writer } from '../auth/caller.ts'

/** Base path of the native API. */
export const basePath = '/api/v1'

/** The key that a route requires: the platform's, or a tenant's key with a scope. */
export type Access = 'platform' | { scope: RouteScope; ingest?: 'event' | 'batch' }

/** The parameters of a path in Express's form: `'/tenants/:id/keys/:keyId'` has `id` and `keyId`. */
type ParamName<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamName<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined

interface AnyRequest<Path extends string, Query, Body> {
  params: Record<ParamName<Path>, string>
  query: Parsed<Query>
  body: Parsed<Body>
  header: (name: string) => string | undefined
  /** The number of webhooks that led to the call; see `causesWebhooks`. */
  hops: number
}

interface PlatformRequest {
  caller: PlatformCaller
  by: Actor
}

interface TenantRequest {
  caller: TenantCaller
  /** The caller's tenant and environment. */
  scope: Scope
  by: Writer
}

/** The handler's input. `by` identifies the caller for the audit log. */
type RouteRequest<A extends Access, Path extends string, Query, Body> = AnyRequest<Path, Query, Body> &
  (A extends 'platform' ? PlatformRequest : TenantRequest)

export interface Reply {
  status: number
  body?: unknown
  headers?: Record<string, string>
  /** The body as YAML. It is sent unless the caller prefers JSON. */
  yaml?: string
}

interface RouteDefinition<
  A extends Access,
  Path extends string,
  Query extends z.ZodType | undefined,
  Body extends z.ZodType | undefined,
> {
  method: 'get' | 'post' | 'patch' | 'delete'
  /** Below the base path, in Express's form. */
  path: Path
  /** A unique name in OpenAPI. Generated clients name their functions after it, so it never changes. */
  operationId: string
  access: A
  /** The key may also be given in the URL. Only an adopted contract needs that: proxies and servers log URLs. */
  queryKey?: true
  summary: string
  query?: Query
  body?: Body
  /** The body as OpenAPI describes it, where `body` leaves parts of it to the handler. */
  describedBody?: z.ZodType
  /** Defaults to 256 KiB. */
  bodyMaxBytes?: number
  /** The handler reads `Idempotency-Key` itself. Every POST that answers 201 supports it without this flag: see `onceByKey`. */
  idempotencyKey?: true
  /** The call starts a run of an event. It reads `Switchyard-Hops`, so that a receiver that calls back cannot loop forever. */
  causesWebhooks?: true
  /** While Temporal is down, the call is refused at once. Routes with `causesWebhooks` need it without this flag. */
  needsTemporal?: true
  /** The path of an event's data in the body. The data keeps the text it was posted as. */
  dataAt?: 'data' | 'event.data'
  /** An array in the body whose items the handler validates one by one, so that one bad item does not fail the others. */
  itemsAt?: 'events'
  /** The body may be YAML as well as JSON, and so may the reply: see `Reply.yaml`. */
  yaml?: true
  /** The schema of the reply's body for each status, or `null` for no body. */
  replies: Record<number, z.ZodType | null>
  /** The errors that its handler throws, besides those of every route of its form: see `describeErrors`. */
  errors?: readonly ErrorCode[]
  handle(request: RouteRequest<A, Path, Query, Body>, deps: AppDeps): Promise<Reply>
}

type AnyDefinition = RouteDefinition<Access, string, z.ZodType | undefined, z.ZodType | undefined>

/** A route without its type parameters. The router and OpenAPI read the same list of these. */
export type Route = Omit<AnyDefinition, 'handle'> & {
  handle(request: HandledRequest, deps: AppDeps): Promise<Reply>
}

/** A request that `mount` has parsed by the route's schemas and whose access it has checked. */
export interface HandledRequest {
  params: Record<string, string>
  query: unknown
  body: unknown
  header: (name: string) => string | undefined
  hops: number
  caller: PlatformCaller | TenantCaller
  scope?: Scope
  by: Actor | Writer
}

export function route<
  A extends Access,
  const Path extends string,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(definition: RouteDefinition<A, Path, Query, Body>): Route {
  // Sound because `mount` parses by the same schemas and checks the same access before it calls `handle`.
  return definition as unknown as Route
}

/** Routes by base path. */
export type RouteTable = Readonly<Record<string, readonly Route[]>>
