import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { GetObjectCommand, NoSuchKey, S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
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

/** What is larger goes in parts, one after the other; so much is held in memory. One upload takes 10,000 parts. */
const partBytes = 16 * 1024 * 1024

/**
 * An archive in an S3-compatible store: `<prefix>/<tenantId>/<environment>/<day>.jsonl`. It needs GetObject, PutObject,
 * AbortMultipartUpload and, so that a missing day is told apart from a forbidden one, ListBucket. Throws where no region is
 * known; nothing is asked of the store yet.
 */
export async function createS3Archive({
  bucket,
  prefix,
  endpoint,
  region,
  credentials,
}: S3Options): Promise<Archive> {
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
      const params = { ...object, Body: createReadStream(file) }
      await new Upload({ client, params, partSize: partBytes, queueSize: 1 }).done()
    },
    async *read(place) {
      const body = await getIfThere(client, objectAt(pathOf(place)))
      if (body) yield* readLines(body)
    },
  }
}

async function getIfThere(
  client: S3Client,
  target: { Bucket: string; Key: string },
): Promise<Readable | undefined> {
  try {
    // In Node the body is a stream of Node's.
    return (await client.send(new GetObjectCommand(target))).Body as Readable
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined
    throw error
  }
}
