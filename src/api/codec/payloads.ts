import { z } from 'zod'
import type { Payload, PayloadCodec } from '@temporalio/common'
import { PayloadLocked } from '../../temporal/payload-codec.ts'
import { invalid } from '../errors.ts'
import { validate } from '../fields/validate.ts'

/** Bytes in proto3's JSON form: base64 in either alphabet, with or without padding. */
const bytes = z.string().regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'must be base64')

/** Temporal's remote data encoding: `Payloads` in proto3's JSON form. Unknown fields of a payload are dropped. */
export const payloadsBody = z.object({
  payloads: z.array(
    z.object({ metadata: z.record(z.string(), bytes).nullish(), data: bytes.nullish() }),
    'must be an array of payloads',
  ),
})

/** Encodes or decodes the payloads of a request and returns them in the same form. */
export async function convertPayloads(codec: PayloadCodec, how: 'encode' | 'decode', given: unknown) {
  const { payloads } = validate(payloadsBody, given)
  const converted = payloads.map(fromJson).map(async (payload, index) => {
    const [made = payload] = await codec[how]([payload]).catch((error: unknown) => {
      throw error instanceof PayloadLocked ? notOpened(error, index) : error
    })
    return toJson(made)
  })
  return { payloads: await Promise.all(converted) }
}

/** The caller holds the platform key, so the error may name the missing key. */
function notOpened({ message }: PayloadLocked, index: number) {
  return invalid([{ path: `payloads.${index}`, message: `cannot be decoded: ${message}` }])
}

type JsonPayload = z.output<typeof payloadsBody>['payloads'][number]

function fromJson({ metadata, data }: JsonPayload): Payload {
  return {
    ...(metadata && { metadata: mapValues(metadata, (text) => Buffer.from(text, 'base64')) }),
    ...(data && { data: Buffer.from(data, 'base64') }),
  }
}

function toJson({ metadata, data }: Payload): JsonPayload {
  return {
    ...(metadata && { metadata: mapValues(metadata, inBase64) }),
    ...(data && data.length > 0 && { data: inBase64(data) }),
  }
}

function inBase64(value: Uint8Array): string {
  return Buffer.from(value).toString('base64')
}

function mapValues<From, To>(record: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}
