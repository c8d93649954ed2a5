import { createBrotliDecompress, createInflateRaw, createUnzip, constants } from 'node:zlib'
import type { Transform } from 'node:stream'
import { maxExcerptBytes } from '../domain/delivery/outcome.ts'
import type { HttpResponse } from './http-exchange.ts'

/** The start of a body as text for the log: unpacked, decoded and at most `maxExcerptBytes` of UTF-8 long. */
export async function readText({ headers, body }: Pick<HttpResponse, 'headers' | 'body'>): Promise<string> {
  const codings = (headers['content-encoding'] ?? '').split(',').slice(0, maxCodings)
  let bytes = body
  for (const coding of codings.reverse()) bytes = await unpack(bytes, coding.trim().toLowerCase())
  const text = decodeText(bytes, headers['content-type'] ?? '').replace(unreadable, '\uFFFD')
  return decodeStart('utf-8', Buffer.from(text).subarray(0, maxExcerptBytes)) ?? ''
}

/** Control characters except tabs and line breaks: JSON writes each as six bytes, PostgreSQL and people cannot read them. */
const unreadable = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/g

const maxCodings = 3

/**
 * Decompresses the start of a body (RFC 9110 §8.4.1), up to `maxExcerptBytes` of output. A body that is not compressed as
 * declared stays as it is.
 */
async function unpack(bytes: Buffer, coding: string): Promise<Buffer> {
  const unpacking = createUnpacker(coding, bytes)
  if (!unpacking) return bytes
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of unpacking.end(bytes) as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= maxExcerptBytes) break
    }
  } catch {
    // Keeps the output so far.
  }
  return length > 0 ? Buffer.concat(chunks).subarray(0, maxExcerptBytes) : bytes
}

function createUnpacker(coding: string, bytes: Buffer): Transform | undefined {
  // The body may be truncated: decompresses as much as there is.
  const zlib = { finishFlush: constants.Z_SYNC_FLUSH, chunkSize: maxExcerptBytes }
  const brotli = { finishFlush: constants.BROTLI_OPERATION_FLUSH, chunkSize: maxExcerptBytes }
  if (coding === 'br') return createBrotliDecompress(brotli)
  if (coding === 'gzip' || coding === 'x-gzip') return createUnzip(zlib)
  // Some servers send it without the zlib wrapper, which begins with method 8 (RFC 1950 §2.2).
  if (coding === 'deflate') return ((bytes[0] ?? 0) & 0x0f) === 8 ? createUnzip(zlib) : createInflateRaw(zlib)
  return undefined
}

/** Decodes by byte order mark, by the declared charset, as UTF-8 if valid, and otherwise like browsers (WHATWG Encoding). */
function decodeText(bytes: Buffer, contentType: string): string {
  const declared = /;\s*charset\s*=\s*["']?([^\s;"']+)/i.exec(contentType)?.[1]
  const encodings = [encodingFromBom(bytes), declared, 'utf-8', 'windows-1252']
  for (const encoding of encodings) {
    const text = encoding && decodeStart(encoding, bytes)
    if (text !== undefined) return text
  }
  return bytes.toString('latin1')
}

function encodingFromBom(bytes: Buffer): string | undefined {
  const mark = bytes.subarray(0, 3).toString('hex')
  if (mark === 'efbbbf') return 'utf-8'
  if (mark.startsWith('feff')) return 'utf-16be'
  return mark.startsWith('fffe') ? 'utf-16le' : undefined
}

/** Undefined if this is not text in that encoding. A last character that the limit has cut in two is left out. */
function decodeStart(encoding: string, bytes: Buffer): string | undefined {
  try {
    const decoder = new TextDecoder(encoding, { fatal: true })
    const text = decoder.decode(bytes, { stream: true })
    if (bytes.length < maxExcerptBytes) decoder.decode() // It throws if a character is incomplete.
    return text
  } catch {
    return undefined
  }
}
