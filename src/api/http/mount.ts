import type { NextFunction, Request, Response, Router } from 'express'
import { stringifyExactly } from '../../domain/json/json-text.ts'
import { Refusal } from './admission.ts'
import type { AppDeps } from '../deps.ts'
import { authorize } from '../auth/authorize.ts'
import { notFound } from '../errors.ts'
import { readHops } from './hops.ts'
import type { Needs } from '../health/readiness.ts'
import { isIdempotent, onceByKey } from './idempotent.ts'
import { measureRegexes } from '../fields/measure-regexes.ts'
import type { createKeyGuesses } from '../auth/key-guesses.ts'
import { requireShape } from './body/posted-json.ts'
import { bodyReader } from './body/read.ts'
import { keyParameter, requestKey } from '../auth/request-key.ts'
import type { HandledRequest, Reply, Route } from './route.ts'
import { toActor, toScope, type Caller } from '../auth/caller.ts'
import { isStorable, requireStorable } from '../fields/storable.ts'
import { validate } from '../fields/validate.ts'
import { readYaml } from './body/read-yaml.ts'
import { yamlType, yamlTypes } from './body/yaml.ts'

/** Time limit for all calls to Temporal within one request. The API answers 503 when it is exceeded. */
const temporalDeadlineMs = 10_000

/** Mounts a route on a router. A request is processed in this order: key, rate limit, body, schemas, handler. */
export function mount(
  router: Router,
  route: Route,
  deps: AppDeps,
  refuseGuess: ReturnType<typeof createKeyGuesses>,
): void {
  const readBody = bodyReader(route)

  async function handle(request: Request, response: Response): Promise<Reply> {
    const key = requestKey(request)
    const caller = await authorize(key, route, deps).catch((refusal: unknown) =>
      refuseGuess(key, request.ip, refusal),
    )
    const ingest = isIngest(route)
    response.set(await countCall(deps.rateLimits, caller, route))
    const header = (name: string) => request.get(name)
    const hops = route.causesWebhooks ? readHops(header) : 0
    // Time on the compute threads is charged to the caller's tenant; each platform key has its own share.
    const owner = caller.kind === 'tenant' ? caller.tenantId : caller.keyId
    const body = await readBody(request, response, (text) => readYaml(deps.compute, owner, text))
    if (!ingest) await measureRegexes(deps.compute, owner, body)
    if (route.query) requireShape(request.query)
    if (!Object.values(request.params).flat().every(isStorable)) throw notFound('thing')
    const parsed: HandledRequest = {
      params: request.params as Record<string, string>,
      query: route.query && validate(route.query, queryWithoutKey(request, route)),
      body: route.body && validate(route.body, body),
      header,
      hops,
      caller,
      scope: caller.kind === 'tenant' ? toScope(caller) : undefined,
      by: toActor(caller, request.ip),
    }
    if (!ingest) {
      requireStorable(parsed.query)
      requireStorable(parsed.body)
    }
    const call = () => route.handle(parsed, deps)
    return deps.temporal
      .withDeadline(Date.now() + temporalDeadlineMs, () =>
        isIdempotent(route) ? onceByKey(deps, { ...parsed, path: request.path }, call) : call(),
      )
      .catch(async (error: unknown) => {
        if (error instanceof Refusal) await refundCall(deps.rateLimits, caller, route)
        throw error
      })
  }

  const needs = neededServices(route)
  router[route.method](route.path, async (request: Request, response: Response, next: NextFunction) => {
    const reply = await deps.readiness.guard(needs, () => handle(request, response))
    if (response.headersSent) return next()
    response.status(reply.status).set(reply.headers ?? {})
    if (reply.yaml !== undefined && request.accepts(...yamlTypes, 'json') !== 'json')
      response.type(yamlType).send(reply.yaml)
    else if (reply.body === undefined) response.end()
    else response.type('json').send(stringifyExactly(reply.body))
  })
}

/** Events are accepted or refused within two seconds while a service hangs: this leaves time for the answer. */
const suspectAfterMs = 1_500

/** Every call needs PostgreSQL, if only to find its key. */
function neededServices({ causesWebhooks, needsTemporal }: Route): Needs {
  if (causesWebhooks || needsTemporal) return { services: ['postgresql', 'temporal'], suspectAfterMs }
  return { services: ['postgresql'] }
}

function isIngest({ access }: Pick<Route, 'access'>): boolean {
  return access !== 'platform' && access.ingest !== undefined
}

/** Counts the call against its rate limit. A batch itself does not count; its handler counts the events in it. */
function countCall(limits: AppDeps['rateLimits'], caller: Caller, { access }: Pick<Route, 'access'>) {
  if (access === 'platform' || !access.ingest) return limits.countCall(caller)
  return limits.takeEvents(caller, access.ingest === 'batch' ? 0 : 1)
}

/** Undoes `countCall`. A call that was refused for lack of capacity must not use up the caller's rate limit. */
function refundCall(limits: AppDeps['rateLimits'], caller: Caller, { access }: Pick<Route, 'access'>) {
  if (access === 'platform' || !access.ingest) return limits.refundCall(caller)
  return limits.returnEvents(caller, access.ingest === 'batch' ? 0 : 1)
}

/** Returns the query, without the API key if the route accepts one there. */
function queryWithoutKey({ query }: Request, { queryKey }: Route): Record<string, unknown> {
  const { [keyParameter]: _key, ...rest } = query
  return queryKey ? rest : query
}
