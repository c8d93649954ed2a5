import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import type { Archive } from './archive.ts'
import { parseDay, archiveFolder, dayPath, readLines } from './lines.ts'

export interface S3Options {
  bucket: string
  /** The prefix of every object's path, without leading or trailing slashes; may be empty. */
  prefix: string
  /** Set for stores other than Amazon's, which are addressed by path instead of by host name. */
  endpoint?: string
  region?: string
  /** Absent: the SDK's own chain (variables, shared files, the machine's role). */
  credentials?: { accessKeyId: string; secretAccessKey: string }
}

/**
 * Larger files are uploaded in parts of this size, one after the other, each held in memory. An upload has at most 10,000 parts.
 */
const partBytes = 16 * 1024 * 1024

/**
 * An archive in an S3-compatible store: `<prefix>/<tenantId>/<environment>/<day>.jsonl`. It needs GetObject, PutObject,
 * DeleteObject, AbortMultipartUpload and ListBucket, the last one to list a tenant's files and to tell a missing day from a
 * forbidden one. Throws if no region is known. Sends no request yet.
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
    maxAttempts: 1, // The callers, a roll-up or a replay, retry.
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000 },
    // Other stores than Amazon's do not all support the checksums that the SDK adds by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  await client.config.region()
  const objectAt = (path: string) => ({ Bucket: bucket, Key: prefix === '' ? path : `${prefix}/${path}` })

  async function keysBelow(folder: string): Promise<string[]> {
    const { Bucket, Key } = objectAt(`${folder}/`)
    const keys: string[] = []
    for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: Key }))
      keys.push(...(page.Contents ?? []).flatMap(({ Key: key }) => key ?? []))
    return keys
  }

  return {
    async put(place, file) {
      const object = { ...objectAt(dayPath(place)), ContentType: 'application/x-ndjson' }
      const params = { ...object, Body: createReadStream(file) }
      await new Upload({ client, params, partSize: partBytes, queueSize: 1 }).done()
    },
    async *read(place) {
      const body = await getIfExists(client, objectAt(dayPath(place)))
      if (body) yield* readLines(body)
    },
    async days({ tenantId, environment }) {
      const keys = await keysBelow(archiveFolder(tenantId, environment))
      return keys.flatMap((key) => parseDay(key.slice(key.lastIndexOf('/') + 1)) ?? []).sort()
    },
    async removeTenant(tenantId) {
      const keys = await keysBelow(archiveFolder(tenantId))
      // One by one: not every store supports bulk deletion, nor the same checksum for it.
      for (const Key of keys) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }))
      return keys.length
    },
  }
}

async function getIfExists(
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
