import type { Channel, Signing } from '../channels/channel.ts'
import { hasApiSecret } from '../db/api-secrets.ts'
import type { Tx } from '../db/client.ts'
import type { Scope, StoredKeys } from '../db/destinations.ts'
import type { JsonObject } from '../domain/event.ts'
import { makePrivateKey, makeSecret } from '../domain/signing-keys.ts'
import { invalid } from './errors.ts'

/** A secret of the tenant's own; `null` asks for a new one to be made; `undefined` leaves things as they are. */
export type GivenSecret = string | null | undefined

/**
 * The signing keys that a config needs: those there are, the secret that is given, and what has to be made. `made` is to be
 * shown this once.
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
      throw refused('secret', `is of no use: the channel ${channel.name} does not sign`)
    return { keys: current }
  }
  const { secret, ownSecret } = chooseSecret(current, given)
  if (ownSecret && secret !== undefined) requireSuitable(signing, secret, given)
  const privateKey = current.privateKey ?? (signing.keyPair ? makePrivateKey() : undefined)
  if (signing.by === 'tenant' && !ownSecret) {
    await requireApiSecret(place)
    return { keys: { secret, privateKey } }
  }
  if (secret !== undefined) return { keys: { secret, ownSecret, privateKey } }
  const made = makeSecret()
  return { keys: { secret: made, privateKey }, made }
}

function chooseSecret({ secret, ownSecret }: StoredKeys, given: GivenSecret): StoredKeys {
  if (given === undefined) return { secret, ownSecret }
  return given === null ? {} : { secret: given, ownSecret: true }
}

function requireSuitable(signing: Signing, secret: string, given: GivenSecret): void {
  const problem = signing.secretProblem(secret)
  if (!problem) return
  if (typeof given === 'string') throw refused('secret', problem)
  // It was fine until now, and is not for the wire format that is asked for.
  throw refused(
    'config.wireFormat',
    `does not go with the destination’s own secret, which ${problem}: send a new secret as well, or null to have one made`,
  )
}

async function requireApiSecret({ db, scope }: { db: Tx; scope: Scope }): Promise<void> {
  if (await hasApiSecret(db, scope)) return
  throw refused(
    'config.wireFormat',
    'signs with the tenant’s API secret, and there is none in this environment: POST /api/v1/tenant/api-secret/rotate makes one',
  )
}

function refused(path: string, message: string) {
  return invalid([{ path, message }])
}
