/** Buckets of the stand-in (or of S3), made and read by the SDK alone. */
import { randomUUID } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'

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
  return {
    async create(): Promise<string> {
      const Bucket = `b-${randomUUID().slice(0, 13)}`
      await client.send(new CreateBucketCommand({ Bucket }))
      return Bucket
    },
    /** The keys, in their order. */
    async keys(Bucket: string, Prefix = ''): Promise<string[]> {
      const found: string[] = []
      for await (const { Contents } of paginateListObjectsV2({ client }, { Bucket, Prefix }))
        found.push(...(Contents ?? []).map(({ Key }) => Key!))
      return found.toSorted()
    },
    text: async (Bucket: string, Key: string): Promise<string> =>
      (await client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString(),
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
  }
}
