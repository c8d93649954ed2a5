import type { routes } from './generated/routes.ts'
import type { operations } from './generated/schema.ts'
import type { Page, Pages } from './pages.ts'
import type { RequestOptions } from './transport.ts'

/** The id of an operation in openapi.json. The types below derive a method's arguments and result from it. */
export type OperationId = keyof typeof routes

type Json<Message> = Message extends { content: { 'application/json': infer Body } } ? Body : undefined
type Responses<Id extends OperationId> = operations[Id]['responses']
type SuccessStatus = 200 | 201 | 202 | 204 | 207

type Result<Id extends OperationId> = {
  [Status in keyof Responses<Id> & SuccessStatus]: Json<Responses<Id>[Status]>
}[keyof Responses<Id> & SuccessStatus]

type PathArgs<Path extends string> = Path extends `${string}{${string}}${infer Rest}`
  ? [id: string, ...PathArgs<Rest>]
  : []

type BodyArgs<Operation> = Operation extends { requestBody: infer Body }
  ? [body: Json<Body>]
  : Operation extends { requestBody?: infer Body }
    ? [NonNullable<Body>] extends [never]
      ? []
      : [body?: Json<NonNullable<Body>>]
    : []

type QueryArgs<Operation> = Operation extends { parameters: { query: infer Query extends object } }
  ? [query: Query]
  : Operation extends { parameters: { query?: infer Query } }
    ? [NonNullable<Query>] extends [never]
      ? []
      : [query?: NonNullable<Query>]
    : []

/** The names of the headers; `keyof` a missing object would be any name. */
type HeaderName<Id extends OperationId> = operations[Id]['parameters'] extends {
  header?: infer Headers extends object
}
  ? keyof Headers
  : never

export interface KeyOptions {
  /** By default a random one, which retries share. Give your own to make repeated calls safe, too. */
  idempotencyKey?: string
}

export interface HopsOptions {
  /** The value of `Switchyard-Hops` on the webhook that caused the call, so that loops end. */
  hops?: number
}

type CallOptions<Id extends OperationId> = RequestOptions &
  ('Idempotency-Key' extends HeaderName<Id> ? KeyOptions : unknown) &
  ('Switchyard-Hops' extends HeaderName<Id> ? HopsOptions : unknown)

type Args<Id extends OperationId> = [
  ...PathArgs<(typeof routes)[Id]['path']>,
  ...BodyArgs<operations[Id]>,
  ...QueryArgs<operations[Id]>,
  options?: CallOptions<Id>,
]

/** A method: the path's parameters, then the body, the query and the options. */
export type Method<Id extends OperationId> = (typeof routes)[Id] extends { paged: true }
  ? Result<Id> extends infer One extends Page<unknown>
    ? (...args: Args<Id>) => Pages<One['data'][number], One>
    : never
  : (...args: Args<Id>) => Promise<Result<Id>>
