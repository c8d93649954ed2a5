import { hkdfSync } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import { z } from 'zod'
import { seal, unseal, type SecretKeys } from '../../domain/crypto/secret-box.ts'

/**
 * A person's session in a browser. Its cookie holds all of it, sealed: nothing is kept on this side, and every process can read
 * what another has made. It is only as good as the key that it was opened with.
 */
export interface Session {
  /** For the audit log. */
  id: string
  keyId: string
  /** SHA-256 of that key: another key of the same name is not it. */
  keyHash: string
  /** Unix ms. */
  endsAt: number
}

/** Where a session is good, and for how long. Sessions of one kind are worth nothing to another. */
export interface SessionKind {
  name: string
  /** As browsers see it: with what the public URL has before it. */
  path: string
  /** Sent over HTTPS only. */
  secure: boolean
}

export const sessionSeconds = 8 * 60 * 60

const contents = z.object({ id: z.string(), keyId: z.string(), keyHash: z.string(), endsAt: z.number() })

/** The `Set-Cookie` header that begins a session. */
export function sessionCookie(kind: SessionKind, session: Session, keys: SecretKeys): string {
  const value = seal(JSON.stringify(session), sessionKeys(keys), boundTo(kind))
  return setCookie(kind, value, sessionSeconds)
}

/** The header that ends it in this browser. */
export function endedSessionCookie(kind: SessionKind): string {
  return setCookie(kind, '', 0)
}

/** The session that a `Cookie` header holds, unless it is over or no key of ours has sealed it. */
export function readSession(
  kind: SessionKind,
  header: string | undefined,
  keys: SecretKeys,
  now = Date.now(),
): Session | undefined {
  const sealed = header === undefined ? undefined : parseCookie(header)[cookieName(kind)]
  if (!sealed) return undefined
  try {
    const session = contents.parse(JSON.parse(unseal(sealed, sessionKeys(keys), boundTo(kind))))
    return session.endsAt > now ? session : undefined
  } catch {
    return undefined
  }
}

/** No script reads it, and no page of another site has it sent. A name with `__Secure-` is taken over HTTPS only. */
function setCookie(kind: SessionKind, value: string, maxAge: number): string {
  const { path, secure } = kind
  return stringifySetCookie(cookieName(kind), value, {
    httpOnly: true,
    sameSite: 'strict',
    path,
    maxAge,
    secure,
  })
}

function cookieName({ name, secure }: SessionKind): string {
  return `${secure ? '__Secure-' : ''}switchyard-${name}`
}

function boundTo({ name }: SessionKind): string {
  return `${name} session 1`
}

/** What encrypts secrets at rest encrypts nothing else: sessions have keys of their own, derived from it (RFC 5869). */
function sessionKeys(keys: SecretKeys): SecretKeys {
  return keys.map(({ id, key }) => ({
    id,
    key: Buffer.from(hkdfSync('sha256', key, '', 'switchyard session 1', 32)),
  }))
}
