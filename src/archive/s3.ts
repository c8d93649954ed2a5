import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3'
import type { Archive } from './archive.ts'
import { pathOf, readLines } from './lines.ts'

export interface S3Options {
  bucket: string
  /** Before the path of every object, without slashes around it; may be empty. */
  prefix: string
  /** Of a store that is not Amazon's: it is asked by path, not by host name. */
  endpoint?: string | undefined
  region?: string | undefined
  /** Absent: the SDK's own chain (variables, shared files, the machine's role). */
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined
}

/** What is larger goes in parts: one request takes 5 GiB at most. */
const partBytes = 64 * 1024 * 1024
/** More parts than these are not taken. Source: Amazon S3, "multipart upload limits". */
const mostParts = 10_000

/**
 * An archive in an S3-compatible store: `<prefix>/<tenantId>/<environment>/<day>.jsonl`. It needs GetObject, PutObject,
 * AbortMultipartUpload and, so that a missing day is told apart from a forbidden one, ListBucket. Throws where no region is
 * known; nothing is asked of the store yet.
 */
export async function createS3Archive(
  { bucket, prefix, endpoint, region, credentials }: S3Options,
  limits = { partBytes },
): Promise<Archive> {
  const client = new S3Client({
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true, region: region ?? 'us-east-1' }),
    ...(region !== undefined && { region }),
    ...(credentials && { credentials }),
    maxAttempts: 1, // Who asks repeats it: a roll-up, or a replay.
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000 },
    // Other stores than Amazon's do not all know the checksums that the SDK adds by itself.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  await client.config.region()
  const objectAt = (path: string) => ({ Bucket: bucket, Key: prefix === '' ? path : `${prefix}/${path}` })

  return {
    async put(place, file) {
      const object = { ...objectAt(pathOf(place)), ContentType: 'application/x-ndjson' }
      const { size } = await stat(file)
      if (size > limits.partBytes) return putInParts(client, object, file, size, limits.partBytes)
      await client.send(
        new PutObjectCommand({ ...object, Body: createReadStream(file), ContentLength: size }),
      )
    },
    async *read(place) {
      const body = await getIfThere(client, objectAt(pathOf(place)))
      if (body) yield* readLines(body)
    },
  }
}

interface Target {
  Bucket: string
  Key: string
}

/** The object is there once the last request says so, and not before. */
async function putInParts(
  client: S3Client,
  object: Target & { ContentType: string },
  file: string,
  size: number,
  leastBytes: number,
): Promise<void> {
  const { ContentType: _type, ...target } = object
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(object))
  const upload = { ...target, UploadId }
  try {
    const Parts: CompletedPart[] = []
    const bytes = Math.max(leastBytes, Math.ceil(size / mostParts))
    for (let start = 0; start < size; start += bytes) {
      const end = Math.min(start + bytes, size)
      const part = {
        PartNumber: Parts.length + 1,
        Body: createReadStream(file, { start, end: end - 1 }),
        ContentLength: end - start,
      }
      const { ETag } = await client.send(new UploadPartCommand({ ...upload, ...part }))
      Parts.push({ ETag, PartNumber: part.PartNumber })
    }
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
  } catch (error) {
    // Parts are kept, and paid for, until somebody says that they are not wanted. That it failed is what matters.
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined)
    throw error
  }
}

async function getIfThere(client: S3Client, target: Target): Promise<Readable | undefined> {
  try {
    // In Node the body is a stream of Node's.
    return (await client.send(new GetObjectCommand(target))).Body as Readable
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined
    throw error
  }
}
