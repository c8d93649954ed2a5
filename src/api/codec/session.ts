import type { Request } from 'express'
import { typeid } from 'typeid-js'
import { recordAudit } from '../../db/audit/audit.ts'
import type { AppDeps } from '../deps.ts'
import { authorize, hashKey } from '../auth/authorize.ts'
import { ApiError } from '../errors.ts'
import { isInForce } from '../keys/store.ts'
import { readSession, sessionSeconds, type Session, type SessionKind } from '../auth/session.ts'

export const codecPath = '/codec'

/** Includes the path of the public URL, because a proxy may serve the API below a path of its own. */
export function codecBase({ publicUrl }: Pick<AppDeps, 'publicUrl'>): string {
  return (publicUrl ? new URL(publicUrl).pathname.replace(/\/+$/, '') : '') + codecPath
}

export function codecSessions(deps: Pick<AppDeps, 'publicUrl'>): SessionKind {
  return { name: 'codec', path: codecBase(deps), secure: deps.publicUrl?.startsWith('https:') ?? false }
}

/** Opens a session with the platform key and records it in the audit log. Throws the same errors as any call with that key. */
export async function openSession(deps: AppDeps, key: string, address: string | undefined): Promise<Session> {
  const { keyId } = await authorize({ key, inQuery: false }, { access: 'platform' }, deps)
  const id = typeid('ses').toString()
  await recordAudit(deps.db, { keyId, address, action: 'codec.session-opened', session: id })
  return { id, keyId, keyHash: hashKey(key), endsAt: Date.now() + sessionSeconds * 1000 }
}

/**
 * Returns the session in the request's cookie if its key is still valid and the session has not been ended. Both are checked for
 * every request.
 */
export async function currentSession(request: Request, deps: AppDeps): Promise<Session | undefined> {
  const session = readSession(codecSessions(deps), request.get('cookie'), deps.secretKeys)
  if (!session || !(await isKeyInForce(session, deps))) return undefined
  return (await hasEnded(session, deps)) ? undefined : session
}

const endedAction = 'codec.session-ended'

/** Ends a session for every copy of its cookie. The audit log records the end, and every request checks it. */
export function endSession(
  { db }: AppDeps,
  { id, keyId }: Session,
  address: string | undefined,
): Promise<void> {
  return recordAudit(db, { keyId, address, action: endedAction, session: id })
}

async function hasEnded({ id }: Session, { db }: AppDeps): Promise<boolean> {
  return (await db.auditEntry.findFirst({ where: { session: id, action: endedAction } })) !== null
}

async function isKeyInForce({ keyId, keyHash }: Session, { db, adminKeyHash }: AppDeps): Promise<boolean> {
  if (keyHash === adminKeyHash) return true
  const found = await db.apiKey.findUnique({ where: { id: keyId, hash: keyHash, tenantId: null } })
  return found !== null && isInForce(found, new Date())
}

/**
 * Requires that the request comes from one of our own pages or, for reading payloads, from a page of Temporal's UI. A browser
 * attaches the cookie to requests that any page makes, but it also sends their origin, which a page cannot forge.
 */
export function requireOwnPage(request: Request, deps: AppDeps, others: readonly string[] = []): void {
  const origin = request.get('origin')
  if (origin !== undefined && (isOwnOrigin(request, origin, deps) || others.includes(origin))) return
  throw new ApiError('forbidden', 'The request did not come from a page of an allowed origin.')
}

function isOwnOrigin(request: Request, origin: string, { publicUrl }: AppDeps): boolean {
  const own = publicUrl === undefined ? undefined : new URL(publicUrl).origin
  return origin === own || origin === `${request.protocol}://${request.get('host')}`
}
