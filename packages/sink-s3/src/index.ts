/** The S3 sink. */
import { type Definition, defineSink } from '@millrace/core'
import { nodeDisk } from '@millrace/client-files'
import { s3Places } from '@millrace/client-s3'
import { fileWriteFormats as formats } from '@millrace/formats-columnar'
import { readPath, storedForms } from '@millrace/kinds'
import { acceptProblems, layoutOf, type Options, options, s3SinkProblems, templateOf } from './options.ts'
import { createS3Sink } from './sink.ts'

/** Passes if the path is valid; `check` reports problems with it. */
const isReadable = (o: Options): boolean => typeof templateOf(o) !== 'string'

/** Writes objects, and publishes each only when it is complete. */
export const sinkS3 = defineSink({
  kind: 'sink',
  type: 's3',
  serves: ['objects'],
  summary:
    'Writes objects to a bucket of S3, or of a service with its protocol, in the format of your choice, partitioned by field if wanted, and publishes each only when it is complete.',
  options,
  check: s3SinkProblems,
  capabilities: () => ({
    label: 'effectively-once',
    how: 'publish-once: an object gets its name after its checkpoint, and only if there is none of that name',
    checkpointsOnRoll: true,
    limits: { key: '1,024 bytes', object: '5 TiB, in at most 10,000 parts of `part_size`' },
  }),
  accepts: (o, record) => (isReadable(o) ? acceptProblems(o, record) : []),
  mapping: ({ kind }) => storedForms[kind],
  writes: (o) => s3Places(o, [o.path]),
  stopsAtExisting: (o) => o.existing === 'stop',
  readBack: (o) => ({ path: readPath(o.path), format: formats.readBack(layoutOf(o).format) }),
  create: (o, ctx) => createS3Sink(o, ctx, nodeDisk, () => performance.now()),
  async probe(o, env, signal) {
    const { openBucket } = await import('@millrace/client-s3/driver')
    const bucket = openBucket(o, env)
    try {
      await bucket.probe(signal)
      return `the bucket ${o.bucket} answers`
    } finally {
      bucket.close()
    }
  },
})

export default [sinkS3] satisfies Definition[]
