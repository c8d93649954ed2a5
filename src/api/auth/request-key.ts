import type { Request } from 'express'

/**
 * Headers and a query parameter that may carry the key besides `Authorization: Bearer …`. The adopted contracts' clients use them:
 * Dataspike’s API reference names `ds-api-token`, and the Smart KYC document says "header or query parameter" without a name.
 */
export const keyHeaders = ['X-API-Key', 'ds-api-token'] as const
export const keyParameter = 'api_key'

/** Policies for keys in the query. URLs appear in every log on the way, so by default only sandbox keys are accepted there. */
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
