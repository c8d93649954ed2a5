import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import {
  claimRequest,
  releaseRequest,
  storeAnswer,
  type IdempotentRequest,
  type StoredAnswer,
} from '../../db/limits/idempotent-requests.ts'
import { seal, unseal } from '../../domain/crypto/secret-box.ts'
import type { AppDeps } from '../deps.ts'
import { ApiError, invalid } from '../errors.ts'
import { idempotencyHeader, readIdempotencyKey } from './idempotency.ts'
import type { Reply, Route } from './route.ts'
import type { Caller } from '../auth/caller.ts'

interface Asked {
  path: string
  body: unknown
  caller: Caller
  header: (name: string) => string | undefined
}

/** Returns whether a route replays the stored response for a repeated `Idempotency-Key`. Every POST that creates something does. */
export function isIdempotent({ method, replies }: Pick<Route, 'method' | 'replies'>): boolean {
  return method === 'post' && 201 in replies
}

/**
 * Runs a request with an `Idempotency-Key` once: the same key and body get the same response for 24 hours, secrets included. Keys
 * are scoped to the API key, because another one may not see the same data. A failed request can be sent again.
 */
export async function onceByKey(
  { db, secretKeys, log }: AppDeps,
  asked: Asked,
  handle: () => Promise<Reply>,
): Promise<Reply> {
  const key = readIdempotencyKey(asked.header)
  if (key === undefined) return handle()
  const request = requestFor(asked, key)
  const claim = await claimRequest(db, request)
  if (claim.kind === 'answered') return openAnswer(claim.answer)
  if (claim.kind === 'other-body')
    throw invalid([
      { path: idempotencyHeader, message: 'was already used for a request with a different body' },
    ])
  if (claim.kind === 'in-progress')
    throw new ApiError('conflict', 'Another request with this Idempotency-Key is in progress.', {
      headers: { 'Retry-After': '1' },
    })
  const reply = await handle().catch(async (error: unknown) => {
    await releaseRequest(db, request.id)
    throw error
  })
  const sealedBody = seal(JSON.stringify(reply.body ?? null), secretKeys, request.id)
  // The request has succeeded, so the caller must not get an error because its response could not be stored.
  await storeAnswer(db, request.id, { status: reply.status, sealedBody }).catch((err: unknown) =>
    log.error({ err }, 'idempotency.answer-not-stored'),
  )
  return reply

  function openAnswer({ status, sealedBody }: StoredAnswer): Reply {
    return {
      status,
      body: JSON.parse(unseal(sealedBody, secretKeys, request.id)) as unknown,
      headers: { 'Idempotent-Replayed': 'true' },
    }
  }
}

function requestFor({ path, body, caller }: Asked, key: string): IdempotentRequest {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  return {
    id: sha256(JSON.stringify([caller.keyId, path, key])),
    tenantId: caller.kind === 'tenant' ? caller.tenantId : undefined,
    bodyHash: sha256(stringify(body) ?? ''),
  }
}
