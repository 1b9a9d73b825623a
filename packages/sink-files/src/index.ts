/** The sink of files. */
import { type Definition, defineSink, type Type, typeText } from '@millrace/core'
import { nodeDisk } from './disk.ts'
import { acceptProblems, layoutOf, optionProblems, options, target } from './options.ts'
import { createFilesSink } from './sink.ts'

export { type Disk, type DiskFile, nodeDisk } from './disk.ts'
export { createFilesSink } from './sink.ts'

/** Writes files, shown whole. */
export const sinkFiles = defineSink({
  kind: 'sink',
  type: 'files',
  serves: ['objects'],
  summary: 'Writes files in the format of your choice, in folders by field where wanted, and shows each only when it is whole.',
  options,
  check: optionProblems,
  capabilities: (o) => ({
    label: 'effectively-once',
    how: 'publish-once: a file is synced under a hidden name and renamed after its checkpoint',
    ...(layoutOf(o).append ? {} : { holds: true }),
  }),
  accepts: acceptProblems,
  mapping: (type: Type) => typeText(type),
  writes: (o, env) => [`files:${target(o, env)}`],
  create: (o, ctx) => createFilesSink(o, ctx, nodeDisk, () => performance.now()),
  async probe(o, env) {
    const path = target(o, env)
    return `writes to ${path}`
  },
})

export default [sinkFiles] satisfies Definition[]
