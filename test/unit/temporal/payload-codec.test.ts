import { randomBytes } from 'node:crypto'
import { defaultPayloadConverter, type Payload } from '@temporalio/common'
import { describe, expect, it } from 'vitest'
import { createPayloadCodec, payloadKeyId, PayloadLocked } from '../../../src/temporal/payload-codec.ts'

const older = { id: 'older', key: randomBytes(32) }
const newer = { id: 'newer', key: randomBytes(32) }
const clear = defaultPayloadConverter.toPayload({ name: 'Ada Lovelace' })

async function encoded(keys = [newer], payload = clear): Promise<Payload> {
  const [made] = await createPayloadCodec(keys).encode([payload])
  return made ?? {}
}

async function decoded(payload: Payload, keys = [newer]): Promise<unknown> {
  const [made] = await createPayloadCodec(keys).decode([payload])
  return defaultPayloadConverter.fromPayload(made ?? {})
}

describe('a payload', () => {
  it('is the same again after it was encrypted, its metadata included', async () => {
    const payload = {
      metadata: { ...clear.metadata, 'a-field': Buffer.from('of ours') },
      data: clear.data ?? null,
    }
    const [made] = await createPayloadCodec([newer]).decode([await encoded([newer], payload)])
    const { metadata = {}, data } = made ?? {}
    expect(metadata?.['a-field']?.toString()).toBe('of ours')
    expect(Buffer.from(data ?? [])).toEqual(Buffer.from(clear.data ?? []))
  })

  it.each([
    ['undefined', undefined],
    ['an empty text', ''],
    ['bytes', new Uint8Array([0, 1, 255])],
    ['256 KiB', 'x'.repeat(262_144)],
  ])('may hold %s', async (_what, value) => {
    expect(await decoded(await encoded([newer], defaultPayloadConverter.toPayload(value)))).toEqual(value)
  })

  it('says how and with which key it is encrypted, and nothing else', async () => {
    const { metadata, data } = await encoded([newer, older])
    const texts = Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString()])
    expect(Object.fromEntries(texts)).toEqual({ encoding: 'binary/encrypted', 'encryption-key-id': 'newer' })
    expect(Buffer.from(data ?? []).includes('Ada')).toBe(false)
    expect(Buffer.from(data ?? []).includes('json/plain')).toBe(false)
  })

  it('is other bytes every time', async () => {
    const made = await Promise.all(Array.from({ length: 100 }, () => encoded()))
    const nonces = made.map(({ data }) =>
      Buffer.from(data ?? [])
        .subarray(0, 12)
        .toString('hex'),
    )
    expect(new Set(nonces).size).toBe(100)
  })

  it('from before there were keys, or of another codec, is left as it is', async () => {
    const other = { metadata: { encoding: Buffer.from('binary/zlib') }, data: Buffer.from('x') }
    expect(await createPayloadCodec([newer]).decode([clear, other, {}])).toEqual([clear, other, {}])
    expect([clear, other, {}].map(payloadKeyId)).toEqual([undefined, undefined, undefined])
  })

  it('is read with every key, and encrypted with the first', async () => {
    const before = await encoded([older])
    expect(await decoded(before, [newer, older])).toEqual({ name: 'Ada Lovelace' })
    expect(payloadKeyId(await encoded([newer, older]))).toBe('newer')
  })

  it('that is encrypted with a key that is not there names the key and the variable', async () => {
    const before = await encoded([older])
    await expect(decoded(before)).rejects.toThrow(PayloadLocked)
    await expect(decoded(before)).rejects.toThrow('the key "older", which PAYLOAD_KEYS does not contain')
  })

  it('does not decrypt with another key of the same id', async () => {
    const other = [{ ...newer, key: randomBytes(32) }]
    await expect(decoded(await encoded(), other)).rejects.toThrow(
      'encrypted with a different key of the same id',
    )
  })

  it('does not decrypt with one byte changed, wherever it is, nor cut short', async () => {
    const { metadata, data } = await encoded()
    const bytes = Buffer.from(data ?? [])
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (bytes[at] ?? 0) ^ 1
      await expect(decoded({ metadata: metadata ?? null, data: changed })).rejects.toThrow(PayloadLocked)
    }
    for (const length of [0, 1, 12, 27, 28, bytes.length - 1])
      await expect(decoded({ metadata: metadata ?? null, data: bytes.subarray(0, length) })).rejects.toThrow(
        PayloadLocked,
      )
  })

  it('cannot be encrypted without a key', async () => {
    await expect(encoded([])).rejects.toThrow('no key to encrypt')
  })
})
