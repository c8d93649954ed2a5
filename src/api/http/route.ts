import type { z } from 'zod'
import type { AppDeps } from '../deps.ts'
import type { Scope } from '../auth/scopes.ts'
import type { PlatformCaller, TenantCaller } from '../auth/caller.ts'

/** Where the native API is served. */
export const basePath = '/api/v1'

/** Which key a route wants. */
export type Access = 'platform' | { scope: Scope; ingest?: 'event' | 'batch' }

type CallerOf<A extends Access> = A extends 'platform' ? PlatformCaller : TenantCaller
type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined

export interface RouteRequest<A extends Access, Query, Body> {
  params: Record<string, string>
  query: Parsed<Query>
  body: Parsed<Body>
  caller: CallerOf<A>
  header: (name: string) => string | undefined
  /** The number of webhooks that led to the call: see `causesWebhooks`. */
  hops: number
  /** The caller's network address, for the audit log. */
  address: string | undefined
}

export interface Reply {
  status: number
  body?: unknown
  headers?: Record<string, string>
  /** The same as YAML: it is sent to whoever does not ask for JSON before that. */
  yaml?: string
}

interface RouteDefinition<
  A extends Access,
  Query extends z.ZodType | undefined,
  Body extends z.ZodType | undefined,
> {
  method: 'get' | 'post' | 'patch' | 'delete'
  /** Below the base path, in Express's form. */
  path: string
  access: A
  /** It takes its key from the URL as well, which only an adopted contract needs: a URL stands in every log on the way. */
  queryKey?: true
  summary: string
  query?: Query
  body?: Body
  /** Larger than the default 256 KiB only where a route says so. */
  bodyMaxBytes?: number
  /** It reads `Idempotency-Key` itself. Every POST that answers 201 takes it without this: see `onceByKey`. */
  idempotencyKey?: true
  /** It starts a run of an event, and reads `Switchyard-Hops`, so that a receiver that calls it ends its loop. */
  causesWebhooks?: true
  /** The path of an event's data in its body: the data keeps its text. */
  dataAt?: 'data' | 'event.data'
  /** A list in its body whose items the handler checks one by one: a bad item spoils no other. */
  itemsAt?: 'events'
  /** It takes YAML as well as JSON, or shows it: see `Reply.yaml`. */
  yaml?: true
  /** What it answers by status: a schema, or `null` for no body. */
  replies: Record<number, z.ZodType | null>
  handle(request: RouteRequest<A, Query, Body>, deps: AppDeps): Promise<Reply>
}

/** A route with its types sealed in: the router and OpenAPI read the same list. */
export type Route = Omit<RouteDefinition<Access, z.ZodType | undefined, z.ZodType | undefined>, 'handle'> & {
  handle(
    request: Omit<RouteRequest<Access, undefined, undefined>, 'query' | 'body'> & {
      query: unknown
      body: unknown
    },
    deps: AppDeps,
  ): Promise<Reply>
}

export function route<
  A extends Access,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(definition: RouteDefinition<A, Query, Body>): Route {
  // The mount parses by the same schemas and checks the same access before it calls `handle`.
  return definition
}

/** Routes by the base path that they are below. */
export type RouteTable = Readonly<Record<string, readonly Route[]>>
