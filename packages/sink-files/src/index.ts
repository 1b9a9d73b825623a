/** The file sink. */
import { type Definition, defineSink, type Type } from '@millrace/core'
import { checkFolder, nodeDisk, placesOf } from '@millrace/client-files'
import { fileWriteFormats as formats } from '@millrace/formats-columnar'
import { acceptProblems, folderOf, layoutOf, optionProblems, type Options, options, templateOf } from './options.ts'
import { createFilesSink } from './sink.ts'

export { createFilesSink } from './sink.ts'

/** How types are stored: in JSON, Parquet, Arrow. */
const stored: Readonly<Record<Type['kind'], string>> = {
  string: 'string, STRING, Utf8',
  boolean: 'boolean, BOOLEAN, Bool',
  integer: 'number, INT64, Int64',
  bigint: 'string, INT64, Int64',
  number: 'number, DOUBLE, Float64',
  decimal: 'string, DECIMAL, Decimal',
  date: 'string, DATE, Date32',
  timestamp: 'string, TIMESTAMP(MILLIS, UTC), Timestamp(ms, UTC)',
  time: 'string, TIME(MICROS), Time64(us)',
  fine_timestamp: 'string, TIMESTAMP(MICROS or NANOS, UTC), Timestamp(us or ns, UTC)',
  bytes: 'base64, BYTE_ARRAY, Binary',
  list: 'array, LIST, List',
  map: 'object, MAP, Map',
  object: 'object, a group, Struct',
  json: 'itself, JSON, Utf8',
}

/** All files below the static part of the path: fields of records may follow it. */
const readPath = ({ path }: Options): string =>
  path.includes('{') ? `${path.slice(0, path.indexOf('{')).replace(/[^/]*$/, '')}**/*` : path

/** Passes if the path is valid; `check` reports problems with it. */
const isReadable = (o: Options): boolean => typeof templateOf(o) !== 'string'

/** Writes files, and publishes each only when it is complete. */
export const sinkFiles = defineSink({
  kind: 'sink',
  type: 'files',
  serves: ['objects'],
  summary:
    'Writes files in the format of your choice, partitioned into folders by field if wanted, and publishes each only when it is complete.',
  options,
  check: optionProblems,
  capabilities: (o) => ({
    label: 'effectively-once',
    how: 'publish-once: a file is synced under a hidden name and renamed after its checkpoint',
    checkpointsOnRoll: isReadable(o) && !layoutOf(o).append,
  }),
  accepts: (o, record) => (isReadable(o) ? acceptProblems(o, record) : []),
  mapping: ({ kind }) => stored[kind],
  writes: (o, env) => placesOf([o.path], env),
  stopsAtExisting: (o) => o.existing === 'stop',
  readBack: (o) => ({ path: readPath(o), format: formats.readBack(layoutOf(o).format) }),
  create: (o, ctx) => createFilesSink(o, ctx, nodeDisk, () => performance.now()),
  async probe(o, env) {
    const folder = folderOf(o, env)
    await checkFolder(nodeDisk, folder)
    return `can write to ${folder}`
  },
})

export default [sinkFiles] satisfies Definition[]
