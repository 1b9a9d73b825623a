/** The file sink. */
import { type Definition, defineSink } from '@millrace/core'
import { checkFolder, nodeDisk, placesOf } from '@millrace/client-files'
import { fileWriteFormats as formats } from '@millrace/formats-columnar'
import { readPath, storedForms } from '@millrace/kinds'
import { acceptProblems, folderOf, layoutOf, optionProblems, type Options, options, templateOf } from './options.ts'
import { createFilesSink } from './sink.ts'

export { createFilesSink } from './sink.ts'

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
  mapping: ({ kind }) => storedForms[kind],
  writes: (o, env) => placesOf([o.path], env),
  stopsAtExisting: (o) => o.existing === 'stop',
  readBack: (o) => ({ path: readPath(o.path), format: formats.readBack(layoutOf(o).format) }),
  create: (o, ctx) => createFilesSink(o, ctx, nodeDisk, () => performance.now()),
  async probe(o, env) {
    const folder = folderOf(o, env)
    await checkFolder(nodeDisk, folder)
    return `can write to ${folder}`
  },
})

export default [sinkFiles] satisfies Definition[]
