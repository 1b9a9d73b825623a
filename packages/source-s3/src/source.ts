/** Reads the objects of a bucket in several formats: CSV, JSON lines, JSON arrays, Parquet, Arrow. */
import { defineSource, type Env, type Source, type SourceContext } from '@millrace/core'
import { addressOf, s3Places } from '@millrace/client-s3'
import type { Bucket } from '@millrace/client-s3/driver'
import { partitionsIn, withFolders } from '@millrace/formats'
import { inferFile } from '@millrace/formats-columnar'
import { type AfterRead, disposeOf } from './after.ts'
import { ObjectInput } from './input.ts'
import { type Listing, listObjects } from './list.ts'
import { folderOf, type Options, options, pathsOf, reading, s3SourceProblems } from './options.ts'
import { etagIn, Handled, keyIn, positionOf, readObjects } from './read.ts'

export const sourceS3 = defineSource({
  kind: 'source',
  type: 's3',
  serves: ['objects'],
  summary:
    'Reads objects of a bucket of S3, or of a service with its protocol: CSV, JSON lines, JSON, Parquet or Arrow, plain or compressed.',
  options,
  check: s3SourceProblems,
  accepts: reading.acceptProblems,
  capabilities: (o) => ({
    bounded: o.watch === undefined,
    replayable: true,
    lanes: 'one',
    contentSplits: true,
    newSplits: true,
    pushdown: true,
    skips: reading.skips(o, pathsOf(o)),
    commit: o.after_read === 'keep' ? undefined : ('action' as const),
  }),
  create: createS3Source,
  decoder: reading.decoderOf,
  reads: (o) => s3Places(o, pathsOf(o)),
  async infer(o: Options, env: Env, signal, note) {
    return withBucket(o, env, async (bucket) => {
      const [object] = await listObjects(bucket, listingOf(o, true), signal)
      if (!object) return { fields: {} }
      const input = new ObjectInput(bucket, object, addressOf(o, object.key), signal)
      const found = await inferFile(input, reading.formatFor(o, object.key), signal, note)
      return withFolders(found, partitionsIn(object.key))
    })
  },
  probe: (o, env, signal) =>
    withBucket(o, env, async (bucket) => {
      const objects = await listObjects(bucket, listingOf(o, true), signal)
      const bytes = objects.reduce((sum, object) => sum + object.bytes, 0)
      return `${objects.length} ${objects.length === 1 ? 'object' : 'objects'}, ${(bytes / 1e6).toFixed(1)} MB`
    }),
})

const listingOf = (o: Options, mustExist: boolean): Listing => ({
  bucket: o.bucket,
  paths: pathsOf(o),
  endings: reading.endingsOf(o),
  mustExist,
})

async function withBucket<T>(o: Options, env: Env, work: (bucket: Bucket) => Promise<T>): Promise<T> {
  const { openBucket } = await import('@millrace/client-s3/driver')
  const bucket = openBucket(o, env)
  try {
    return await work(bucket)
  } finally {
    bucket.close()
  }
}

function createS3Source(o: Options, ctx: SourceContext): Source {
  const open = reading.opener(o, ctx)
  const after: AfterRead = typeof o.after_read === 'string' ? o.after_read : { move: folderOf(o.after_read.move) }
  const keeps = after === 'keep'
  const listing = listingOf(o, keeps && o.watch === undefined)
  const handled = new Handled()
  let bucket: Bucket | undefined
  const connected = async (): Promise<Bucket> => {
    const { openBucket } = await import('@millrace/client-s3/driver')
    return (bucket ??= openBucket(o, ctx))
  }
  const nameOf = (key: string) => addressOf(o, key)
  return {
    async *read(read) {
      const { signal } = read
      if (signal.aborted) return
      const from = await connected()
      const list = () => listObjects(from, listing, signal)
      try {
        const formatOf = (key: string) => open(key, key)
        yield* readObjects(from, { keeps, watchMs: o.watch, handled, list, formatOf, nameOf }, read)
      } catch (error) {
        if (!signal.aborted) throw error
      }
    },
    locate: (split, position) => Promise.resolve(`${nameOf(keyIn(split))}, ${place(position)}`),
    ...(keeps
      ? {}
      : {
          async commit(done, { signal }) {
            const from = await connected()
            for (const { split, position, ended } of done) {
              if (!ended || !positionOf(position)?.done) continue
              const key = keyIn(split)
              await disposeOf(
                from,
                { key, etag: etagIn(split), name: nameOf(key) },
                after as Exclude<AfterRead, 'keep'>,
                signal,
              )
              handled.takenAway(key)
            }
          },
        }),
    close() {
      bucket?.close()
      bucket = undefined
      return Promise.resolve()
    },
  }
}

/** Positions in text are numbers: byte offsets. */
const place = (position: string | number): string =>
  typeof position === 'number' ? `byte ${position}` : `record ${position}`
