import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { environments, eventIdPattern, type Environment, type Event } from './event.ts'
import type { SecretKeys } from './secret-box.ts'

/** What a link acknowledges, and to whom it was sent. */
export interface AcknowledgeRef {
  tenantId: string
  environment: Environment
  eventId: string
  destinationId: string
}

/** Below the public URL. It is no part of the API: whoever has the link needs no key. */
export const acknowledgePath = '/acknowledge'

/** The token's form, and what of it is signed. Another form is another version, and has another key. */
const version = '1'

/** A destination's id, or what stands for one. */
const partPattern = /^[A-Za-z0-9_-]{1,64}$/

/** Gives the link by which whoever gets a message acknowledges its event. */
export function createAcknowledgeLink(publicUrl: string, keys: SecretKeys) {
  const base = publicUrl.replace(/\/+$/, '')
  return ({ event, destinationId }: { event: LinkedEvent; destinationId: string }): string => {
    const { id: eventId, tenantId, environment } = event
    const token = makeAcknowledgeToken({ tenantId, environment, eventId, destinationId }, keys)
    return `${base}${acknowledgePath}/${token}`
  }
}

export type LinkedEvent = Pick<Event, 'id' | 'tenantId' | 'environment'>

/**
 * `version.signature.tenant.environment.event.destination`. Ids hold no dot and are no secret: only the signature is hard to
 * guess. It does not stand at the end, where programs that look for links in a text would leave out a `-` or `_`.
 */
export function makeAcknowledgeToken(ref: AcknowledgeRef, keys: SecretKeys): string {
  const [current] = keys
  if (!current) throw new Error('there is no key to sign links with')
  const { tenantId, environment, eventId, destinationId } = ref
  const named = [tenantId, environment, eventId, destinationId].join('.')
  return [version, sign(named, current.key).toString('base64url'), named].join('.')
}

/** What a token stands for, if it was made with one of the keys; all of them are good, so that keys can be rotated. */
export function readAcknowledgeToken(token: string, keys: SecretKeys): AcknowledgeRef | undefined {
  const [given, signature = '', ...parts] = token.split('.')
  if (given !== version || parts.length !== 4) return undefined
  const [tenantId = '', environmentName, eventId = '', destinationId = ''] = parts
  const environment = environments.find((name) => name === environmentName)
  const isWhole =
    [tenantId, destinationId].every((part) => partPattern.test(part)) && eventIdPattern.test(eventId)
  if (!environment || !isWhole || !isSigned(parts.join('.'), signature, keys)) return undefined
  return { tenantId, environment, eventId, destinationId }
}

function isSigned(named: string, signature: string, keys: SecretKeys): boolean {
  const given = Buffer.from(signature, 'base64url')
  // Other texts can stand for the same bytes: each link has one form only.
  if (given.toString('base64url') !== signature) return false
  return keys.some(({ key }) => {
    const right = sign(named, key)
    return given.length === right.length && timingSafeEqual(given, right)
  })
}

function sign(named: string, key: Buffer): Buffer {
  return createHmac('sha256', linkKey(key)).update(named).digest()
}

/** What encrypts secrets signs nothing: links have a key of their own, derived from it (RFC 5869). */
function linkKey(key: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `switchyard acknowledge link ${version}`, 32))
}
