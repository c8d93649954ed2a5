import type { Request } from 'express'

/**
 * Where a request may carry its key besides `Authorization: Bearer …`. The adopted contracts' clients send it so:
 * Dataspike’s API reference names `ds-api-token`, the Smart KYC document "header or query parameter" without a name.
 */
export const keyHeaders = ['X-API-Key', 'ds-api-token'] as const
export const keyParameter = 'api_key'

/** Which keys are taken from the query: a URL stands in every log on the way, so by default only a sandbox's. */
export const queryKeyPolicies = ['sandbox', 'always', 'never'] as const
export type QueryKeyPolicy = (typeof queryKeyPolicies)[number]

export interface RequestKey {
  key: string | undefined
  inQuery: boolean
}

export function requestKey(request: Request): RequestKey {
  const authorization = request.get('authorization')
  const given =
    authorization === undefined
      ? keyHeaders.map((name) => request.get(name)).find((value) => value !== undefined)
      : /^Bearer (.*)$/i.exec(authorization)?.[1]
  const inQuery = authorization === undefined && given === undefined && keyParameter in request.query
  const key = inQuery ? request.query[keyParameter] : given
  return { key: typeof key === 'string' && /^[\x21-\x7E]{1,256}$/.test(key) ? key : undefined, inQuery }
}
