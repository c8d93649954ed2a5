import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common'
import proto from '@temporalio/proto'
import type { SecretKeys } from '../domain/crypto/secret-box.ts'

/** The keys for payloads: the first one encrypts, all of them decrypt. */
export type PayloadKeys = SecretKeys

/** Named as in Temporal's own samples, so that its tools recognise them. */
const encryptedEncoding = 'binary/encrypted'
const keyIdField = 'encryption-key-id'

/** Binds the ciphertext to this format: payloads of another format do not decrypt. */
const boundTo = Buffer.from('switchyard payload 1')
const nonceBytes = 12
const tagBytes = 16

const { Payload: PayloadMessage } = proto.temporal.api.common.v1

/** A payload that none of the keys decrypts. The message is for operators and reveals nothing of the content. */
export class PayloadLocked extends Error {
  override name = 'PayloadLocked'
}

/**
 * Encrypts whole payloads, metadata included, with AES-256-GCM: nonce, ciphertext and tag, concatenated. Decoding leaves other
 * encodings unchanged, so that keys can be introduced while older workflows run.
 */
export function createPayloadCodec(keys: PayloadKeys): PayloadCodec {
  return {
    // eslint-disable-next-line @typescript-eslint/require-await -- What it throws must reject.
    encode: async (payloads) => payloads.map((payload) => encrypt(payload, keys)),
    // eslint-disable-next-line @typescript-eslint/require-await -- Likewise.
    decode: async (payloads) => payloads.map((payload) => decrypt(payload, keys)),
  }
}

/**
 * How client and workers convert payloads: event data as it was posted and, with keys, everything encrypted. The failure
 * converter moves messages and stacks of errors into payloads, because they would otherwise stay in the clear.
 */
export function createDataConverter(keys: PayloadKeys | undefined): DataConverter {
  const payloadConverterPath = pathTo('../workflows/converters/payload-converter.ts')
  if (!keys) return { payloadConverterPath }
  return {
    payloadConverterPath,
    payloadCodecs: [createPayloadCodec(keys)],
    failureConverterPath: pathTo('../workflows/converters/failure-converter.js'),
  }
}

function pathTo(module: string): string {
  return fileURLToPath(new URL(module, import.meta.url))
}

/** The id of the key that a payload is encrypted with; `undefined` if it is in the clear. */
export function payloadKeyId({ metadata }: Payload): string | undefined {
  if (!metadata || decodeText(metadata.encoding) !== encryptedEncoding) return undefined
  return decodeText(metadata[keyIdField]) ?? ''
}

function encrypt(payload: Payload, keys: PayloadKeys): Payload {
  const [current] = keys
  if (!current) throw new Error('no key to encrypt payloads with is configured')
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', current.key, nonce).setAAD(boundTo)
  const ciphertext = [cipher.update(PayloadMessage.encode(payload).finish()), cipher.final()]
  return {
    metadata: { encoding: Buffer.from(encryptedEncoding), [keyIdField]: Buffer.from(current.id) },
    data: Buffer.concat([nonce, ...ciphertext, cipher.getAuthTag()]),
  }
}

function decrypt(payload: Payload, keys: PayloadKeys): Payload {
  const keyId = payloadKeyId(payload)
  if (keyId === undefined) return payload
  const known = keys.find(({ id }) => id === keyId)
  if (!known)
    throw new PayloadLocked(
      `a payload is encrypted with the key "${keyId}", which PAYLOAD_KEYS does not contain`,
    )
  const data = Buffer.from(payload.data ?? [])
  const [nonce, tag] = [data.subarray(0, nonceBytes), data.subarray(-tagBytes)]
  try {
    const decipher = createDecipheriv('aes-256-gcm', known.key, nonce, { authTagLength: tagBytes })
    decipher.setAAD(boundTo).setAuthTag(tag)
    const opened = [decipher.update(data.subarray(nonceBytes, -tagBytes)), decipher.final()]
    return PayloadMessage.decode(Buffer.concat(opened))
  } catch (cause) {
    throw new PayloadLocked(
      `a payload cannot be decrypted with the key "${keyId}" of PAYLOAD_KEYS: it was changed, or encrypted with a different key of the same id`,
      { cause },
    )
  }
}

function decodeText(bytes: Uint8Array | null | undefined): string | undefined {
  return bytes ? Buffer.from(bytes).toString('utf8') : undefined
}
