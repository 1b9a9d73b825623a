/**
 * The objects below a path of a lake, listed and copied by means other than ours: the file system, or the service's
 * own client. Hidden ones, which no reader sees, are left out.
 */
import { cpSync, existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import type { Place } from './stores.ts'

/** An objects connection: its bucket on AWS, without prefix. */
export interface Lake {
  readonly bucket: string
  /** A folder: `raw/`. */
  readonly path: string
}

const isHidden = (key: string): boolean => key.split('/').some((part) => /^[._]/.test(part))

/** The keys below the path, in order. */
export async function keysOf(place: Place, { bucket, path }: Lake): Promise<string[]> {
  const keys: string[] = []
  if (place.profile !== 'aws')
    keys.push(...globSync(`${path}**/*.*`, { cwd: place.folder }).filter((key) => existsSync(join(place.folder, key))))
  else
    await withS3(place, async (client) => {
      const input = { Bucket: bucketOf(place, bucket), Prefix: path }
      for await (const { Contents } of paginateListObjectsV2({ client }, input))
        keys.push(...(Contents ?? []).map(({ Key }) => Key!))
    })
  return keys.filter((key) => !isHidden(key)).toSorted()
}

/** Copies what is there into a folder; returns the copies. */
export async function copyOf(place: Place, lake: Lake, folder: string): Promise<string[]> {
  const keys = await keysOf(place, lake)
  const copies = keys.map((key) => join(folder, key))
  mkdirSync(folder, { recursive: true })
  for (const copy of copies) mkdirSync(dirname(copy), { recursive: true })
  if (place.profile !== 'aws') for (const [i, key] of keys.entries()) cpSync(join(place.folder, key), copies[i]!)
  else
    await withS3(place, async (client) => {
      for (const [i, Key] of keys.entries()) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucketOf(place, lake.bucket), Key }))
        writeFileSync(copies[i]!, await Body!.transformToByteArray())
      }
    })
  return copies
}

const bucketOf = ({ env }: Place, bucket: string): string => `${env['NAME_PREFIX'] ?? ''}${bucket}`

/** Gives a client of the place's service, and closes it. */
export async function withS3(place: Place, use: (client: S3Client) => Promise<void>): Promise<void> {
  const { env } = place
  const client = new S3Client({
    endpoint: env['AWS_ENDPOINT_URL_S3']!,
    region: env['AWS_REGION']!,
    credentials: { accessKeyId: env['AWS_ACCESS_KEY_ID']!, secretAccessKey: env['AWS_SECRET_ACCESS_KEY']! },
    forcePathStyle: true,
  })
  try {
    await use(client)
  } finally {
    client.destroy()
  }
}
