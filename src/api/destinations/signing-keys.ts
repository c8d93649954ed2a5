import type { Channel, Signing } from '../../channels/channel.ts'
import { hasApiSecret } from '../../db/api-secrets.ts'
import type { Tx } from '../../db/client.ts'
import {
  previousInForce,
  type PreviousKeys,
  type Scope,
  type StoredKeys,
} from '../../db/destinations/destinations.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import type { JsonObject } from '../../domain/event.ts'
import { isMask } from '../../domain/redaction/redaction.ts'
import { makePrivateKey, makeSecret } from '../../domain/crypto/signing-keys.ts'
import { invalid } from '../errors.ts'

/** A string is the tenant's own secret, `null` generates a new one, and `undefined` keeps the current one. */
export type GivenSecret = string | null | undefined

/**
 * Returns the signing keys that a config needs: the current ones, the given secret, and newly generated ones. `made` is shown only
 * once. A secret that is replaced here stops signing at once, as do the ones before it.
 */
export async function completeKeys(
  place: { db: Tx; scope: Scope },
  channel: Channel,
  config: JsonObject,
  current: StoredKeys,
  given: GivenSecret,
): Promise<{ keys: StoredKeys; made?: string }> {
  const signing = channel.signing(config)
  if (!signing) {
    if (typeof given === 'string')
      throw refused('secret', `is not supported because ${channel.name} messages are not signed`)
    return { keys: current }
  }
  const { secret, ownSecret, previous } = chooseSecret(signing, current, given)
  if (ownSecret && secret !== undefined) requireSuitable(signing, secret, given)
  const privateKey = current.privateKey ?? (signing.keyPair ? makePrivateKey() : undefined)
  if (signing.by === 'tenant' && !ownSecret) {
    await requireApiSecret(place)
    return { keys: { secret, privateKey, previous } }
  }
  if (secret !== undefined) return { keys: { secret, ownSecret, privateKey, previous } }
  const made = makeSecret()
  return { keys: { secret: made, privateKey }, made }
}

function chooseSecret(signing: Signing, current: StoredKeys, given: GivenSecret): StoredKeys {
  if (given === null) return {}
  if (given !== undefined) return { secret: given, ownSecret: true }
  const { secret, ownSecret } = current
  // A previous secret that does not fit the new wire format would only produce signatures that no receiver can verify.
  const previous = withoutSecrets(
    previousInForce(current, new Date()),
    (old) => signing.secretProblem(old) !== undefined,
  )
  return { secret, ownSecret, previous }
}

/** Each rotation adds a signature to every message until its overlap ends. */
const maxPrevious = 10

/**
 * Returns the signing keys after a rotation: a given or generated secret, a new key pair if the destination has one, and the
 * previous keys until the overlap ends. `made` is shown only once.
 */
export function rotateKeys(
  channel: Channel,
  { config, keys: current }: { config: JsonObject; keys: StoredKeys },
  given: string | undefined,
  overlap: { from: Date; until: Date },
): { keys: StoredKeys; made?: string } {
  const signing = requireOwnKeys(channel, config, current)
  if (given !== undefined) requireSuitable(signing, given, given)
  if (given !== undefined && given === current.secret)
    throw refused('secret', 'is already the current secret; send a different one')
  const made = given === undefined ? makeSecret() : undefined
  const secret = given ?? made
  return definedOnly({
    keys: {
      secret,
      ownSecret: given !== undefined || signing.by === 'tenant',
      privateKey: current.privateKey && makePrivateKey(),
      // A previous secret that is set again must not sign twice.
      previous: withoutSecrets(replaced(current, overlap), (old) => old === secret).slice(0, maxPrevious),
    },
    made,
  })
}

function requireOwnKeys(channel: Channel, config: JsonObject, { ownSecret }: StoredKeys): Signing {
  const signing = channel.signing(config)
  if (!signing)
    throw refused('channel', `has no secret to rotate because ${channel.name} messages are not signed`)
  if (signing.by === 'destination' || ownSecret) return signing
  throw refused(
    'config.wireFormat',
    'signs with the tenant’s API secret, so the destination has no secret to rotate; use POST /api/v1/tenant/api-secret/rotate instead',
  )
}

/** A previous secret keeps its own end if that is sooner. Without an overlap, no previous secrets are left. */
function replaced(current: StoredKeys, { from, until }: { from: Date; until: Date }): PreviousKeys[] {
  const { secret, privateKey } = current
  const end = until.toISOString()
  const previous = [{ secret, privateKey, until: end }, ...(current.previous ?? [])].map((keys) =>
    new Date(keys.until) > until ? { ...keys, until: end } : keys,
  )
  return previousInForce({ previous }, from)
}

function withoutSecrets(previous: PreviousKeys[], isUnwanted: (secret: string) => boolean): PreviousKeys[] {
  return previous
    .map((keys) =>
      keys.secret !== undefined && isUnwanted(keys.secret) ? { ...keys, secret: undefined } : keys,
    )
    .filter(({ secret, privateKey }) => secret !== undefined || privateKey !== undefined)
}

function requireSuitable(signing: Signing, secret: string, given: GivenSecret): void {
  if (given === secret && isMask(given))
    throw refused('secret', 'is masked; send the secret itself or omit it')
  const problem = signing.secretProblem(secret)
  if (!problem) return
  if (typeof given === 'string') throw refused('secret', problem)
  // The secret fits the current wire format but not the requested one.
  throw refused(
    'config.wireFormat',
    `is incompatible with the destination’s own secret, which ${problem}; also send a new secret, or null to generate one`,
  )
}

async function requireApiSecret({ db, scope }: { db: Tx; scope: Scope }): Promise<void> {
  if (await hasApiSecret(db, scope)) return
  throw refused(
    'config.wireFormat',
    'signs with the tenant’s API secret, which does not exist in this environment; create it with POST /api/v1/tenant/api-secret/rotate',
  )
}

function refused(path: string, message: string) {
  return invalid([{ path, message }])
}
