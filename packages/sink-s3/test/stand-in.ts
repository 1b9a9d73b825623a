/** Buckets of the stand-in (or of S3), made and read by the SDK alone. */
import { randomUUID } from 'node:crypto'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { RecordType, Row } from '@millrace/core'
import { bytesSource } from '@millrace/formats'
import { type FileReadFormat, fileReadFormats } from '@millrace/formats-columnar'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

/** The options of a connection to the stand-in. */
export const connection = (endpoint: string) => ({
  region: 'us-east-1',
  endpoint,
  credentials: { access_key_id: 'test', secret_access_key: 'test' },
  checksums: 'when_supported' as const,
})

export function bucketsAt(endpoint: string) {
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true })
  const keys = async (Bucket: string): Promise<string[]> => {
    const found: string[] = []
    for await (const { Contents } of paginateListObjectsV2({ client }, { Bucket }))
      found.push(...(Contents ?? []).map(({ Key }) => Key!))
    return found.toSorted()
  }
  const bytes = async (Bucket: string, Key: string): Promise<Uint8Array> =>
    (await client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToByteArray()
  return {
    client,
    keys,
    bytes,
    async create(): Promise<string> {
      const Bucket = `b-${randomUUID().slice(0, 13)}`
      await client.send(new CreateBucketCommand({ Bucket }))
      return Bucket
    },
    /** With everything in it. */
    async drop(Bucket: string): Promise<void> {
      for await (const { Contents } of paginateListObjectsV2({ client }, { Bucket }))
        if (Contents?.length)
          await client.send(
            new DeleteObjectsCommand({ Bucket, Delete: { Objects: Contents.map(({ Key }) => ({ Key: Key! })) } }),
          )
      await client.send(new DeleteBucketCommand({ Bucket }))
    },
    put: (Bucket: string, Key: string, Body: string | Uint8Array) =>
      client.send(new PutObjectCommand({ Bucket, Key, Body })),
    remove: (Bucket: string, Key: string) => client.send(new DeleteObjectCommand({ Bucket, Key })),
    head: (Bucket: string, Key: string) => client.send(new HeadObjectCommand({ Bucket, Key })),
    abort: (Bucket: string, Key: string, UploadId: string) =>
      client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })),
    /** The keys of uploads that are under way. */
    uploads: async (Bucket: string): Promise<string[]> =>
      ((await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? []).map(({ Key }) => Key!),
    /** The rows of all objects whose keys begin with `prefix`. */
    async rows(Bucket: string, prefix: string, schema: RecordType): Promise<Row[]> {
      const rows: Row[] = []
      for (const key of await keys(Bucket))
        if (key.startsWith(prefix)) rows.push(...(await rowsOf(key, await bytes(Bucket, key), schema)))
      return rows
    },
  }
}

/** The rows of one object. */
async function rowsOf(key: string, raw: Uint8Array, schema: RecordType): Promise<Row[]> {
  const bytes = key.endsWith('.gz') ? gunzipSync(raw) : key.endsWith('.zst') ? zstdDecompressSync(raw) : raw
  const type = /\.(jsonl|json|csv|parquet|arrow)/.exec(key)![1] as FileReadFormat['type']
  const { reader } = fileReadFormats.open({ type }, { schema, unknownFields: 'error' })
  const rows: Row[] = []
  for await (const piece of reader.read(bytesSource(bytes), undefined, new AbortController().signal)) {
    if (piece.bad?.length) throw new Error(`${key}: ${piece.bad[0]!.message}`)
    rows.push(...piece.rows)
  }
  return rows
}
