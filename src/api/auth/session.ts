import { hkdfSync } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import { z } from 'zod'
import { seal, unseal, type SecretKeys } from '../../domain/crypto/secret-box.ts'

/**
 * A person's browser session. The cookie contains all of it, encrypted: the server stores nothing, and every process can read a
 * cookie that another one made. The session is only valid as long as the key that opened it.
 */
export interface Session {
  /** For the audit log. */
  id: string
  keyId: string
  /** SHA-256 of the key. A different key with the same name does not match it. */
  keyHash: string
  /** Unix ms. */
  endsAt: number
}

/** The scope and transport of a kind of sessions. A session of one kind is not valid for another. */
export interface SessionKind {
  name: string
  /** The path as browsers see it, including the path of the public URL. */
  path: string
  /** True if the cookie is sent over HTTPS only. */
  secure: boolean
}

export const sessionSeconds = 8 * 60 * 60

const contents = z.object({ id: z.string(), keyId: z.string(), keyHash: z.string(), endsAt: z.number() })

/** Returns the `Set-Cookie` header that starts a session. */
export function sessionCookie(kind: SessionKind, session: Session, keys: SecretKeys): string {
  const value = seal(JSON.stringify(session), sessionKeys(keys), boundTo(kind))
  return setCookie(kind, value, sessionSeconds)
}

/** Returns the `Set-Cookie` header that ends the session in this browser. */
export function endedSessionCookie(kind: SessionKind): string {
  return setCookie(kind, '', 0)
}

/** Returns the session in a `Cookie` header, unless it has expired or was not sealed with one of our keys. */
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

/**
 * Builds a cookie that scripts cannot read and that pages of other sites cannot cause to be sent. Browsers accept a name with
 * `__Secure-` over HTTPS only.
 */
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

/** Derives the session keys (RFC 5869). The keys that encrypt secrets at rest must not encrypt anything else. */
function sessionKeys(keys: SecretKeys): SecretKeys {
  return keys.map(({ id, key }) => ({
    id,
    key: Buffer.from(hkdfSync('sha256', key, '', 'switchyard session 1', 32)),
  }))
}
