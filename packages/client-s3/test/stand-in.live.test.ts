/**
 * How faithful the stand-in is: what sink and source rely on holds there, and where it differs from S3 is pinned, so
 * that a new version that changes either is noticed.
 */
import { randomUUID } from 'node:crypto'
import { liveUrl } from '@millrace/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bucket, openBucket } from '../src/driver.ts'
import { CreateBucketCommand, DeleteBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'

const url = liveUrl('S3')
const { signal } = new AbortController()
const bytes = (size: number) => Buffer.alloc(size, 'x')
const part = 5 * 1024 * 1024

describe.skipIf(!url)('the stand-in for S3', () => {
  const name = `b-${randomUUID().slice(0, 13)}`
  const endpoint = url ?? 'http://127.0.0.1:1'
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true })
  let bucket: Bucket
  const listed = async (prefix: string) => {
    const found = []
    for await (const page of bucket.list(prefix, signal)) found.push(...page)
    return found
  }
  beforeAll(async () => {
    await client.send(new CreateBucketCommand({ Bucket: name }))
    const key = { access_key_id: 'test', secret_access_key: 'test' }
    const options = {
      bucket: name,
      region: 'us-east-1',
      endpoint,
      credentials: key,
      checksums: 'when_supported',
    } as const
    bucket = openBucket(options, { pipeline: 'p' })
  })
  afterAll(async () => {
    for (const { key } of await listed('')) await bucket.remove(key, signal)
    await client.send(new DeleteBucketCommand({ Bucket: name }))
    bucket.close()
    client.destroy()
  })

  test('gives a key once, to one of several that want it at the same time', async () => {
    expect(await bucket.put('once', bytes(10), 'a', true, signal)).toBe('stored')
    expect(await bucket.put('once', bytes(10), 'b', true, signal)).toBe('taken')
    expect(await bucket.head('once', signal)).toMatchObject({ bytes: 10, stage: 'a' })
    const race = await Promise.all(
      Array.from({ length: 8 }, (_, n) => bucket.put('race', bytes(10), `${n}`, true, signal)),
    )
    expect(race.filter((outcome) => outcome === 'stored')).toHaveLength(1)
    expect(await bucket.put('once', bytes(11), 'c', false, signal)).toBe('stored')
  })

  test('shows an object in parts when it is completed, once, and only if its key is free', async () => {
    const begin = async (key: string, mark: string) => {
      const id = await bucket.begin(key, mark, signal)
      const parts = [
        await bucket.part(key, id, 1, bytes(part), signal),
        await bucket.part(key, id, 2, bytes(7), signal),
      ]
      return { id, parts }
    }
    const [one, two] = [await begin('parts', 'one'), await begin('parts', 'two')]
    expect(await bucket.head('parts', signal)).toBeUndefined()
    expect((await bucket.uploads('parts', signal)).toSorted()).toEqual([one.id, two.id].toSorted())
    expect(await bucket.complete('parts', one.id, one.parts, true, signal)).toBe('stored')
    expect(await bucket.complete('parts', two.id, two.parts, true, signal)).toBe('taken')
    expect(await bucket.head('parts', signal)).toMatchObject({ bytes: part + 7, stage: 'one' })
    await bucket.abort('parts', two.id, signal)
    await bucket.abort('parts', two.id, signal)
    expect(await bucket.uploads('parts', signal)).toEqual([])
  })

  test('reads a range of the object that was meant, and no other', async () => {
    await bucket.put('range', Buffer.from('0123456789'), 'a', true, signal)
    const { etag } = (await bucket.head('range', signal))!
    const chunks = []
    for await (const chunk of (await bucket.get('range', etag, 2, 5, signal))!) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toBe('234')
    await bucket.put('range', Buffer.from('other'), 'b', false, signal)
    expect(await bucket.get('range', etag, 2, 5, signal)).toBeUndefined()
    expect(await bucket.get('no such key', etag, 0, undefined, signal)).toBeUndefined()
    expect(await bucket.copy('range', etag, 'copied', signal)).toBe(false)
    expect(await bucket.head('copied', signal)).toBeUndefined()
  })

  test('differs from S3 in the order of a list, and in what completing twice answers', async () => {
    for (const key of ['order/a-b', 'order/a/b', 'order/a.b']) await bucket.put(key, bytes(1), 'a', true, signal)
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: name, Prefix: 'order/' }))
    // S3 sorts by bytes: a-b, a.b, a/b.
    expect(Contents!.map(({ Key }) => Key)).toEqual(['order/a/b', 'order/a-b', 'order/a.b'])
    const id = await bucket.begin('twice', 'a', signal)
    const parts = [await bucket.part('twice', id, 1, bytes(7), signal)]
    expect(await bucket.complete('twice', id, parts, true, signal)).toBe('stored')
    // S3 answers 200 for a while, then that there is no such upload.
    expect(await bucket.complete('twice', id, parts, true, signal)).toBe('taken')
  })
})
