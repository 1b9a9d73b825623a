/** Reads CSV files: types, projection and dates in one scanner. */
import { defineSource, option } from '@millrace/core'
import {
  afterReadOf,
  describeInputs,
  filesOptions,
  filesProblems,
  filesSource,
  inFirstInput,
  pathsOf,
  placesOf,
  portable,
} from '@millrace/client-files'
import {
  createCsvReader,
  csvOptions,
  csvProblems,
  csvReadAccepts,
  decodeWithPartitions,
  inferCsv,
  type InputFormat,
  partitionsIn,
  type ReadOptions,
  textUnits,
  withFolders,
  withPartitions,
} from '@millrace/formats'

const options = option.object({ ...filesOptions, ...csvOptions })

/** The file name extensions that are read in a folder. */
const endings = ['.csv', '.tsv', '.txt']

export const sourceCsv = defineSource({
  kind: 'source',
  type: 'csv',
  serves: ['objects'],
  summary: 'Reads CSV files, plain or compressed: one, several, a folder, or standard input.',
  options,
  check: (o, env) => [...filesProblems(o, env), ...csvProblems(o)],
  accepts: csvReadAccepts,
  capabilities: (o) => ({
    bounded: o.watch === undefined,
    replayable: !pathsOf(o).includes('-'),
    lanes: 'one',
    contentSplits: true,
    newSplits: true,
    pushdown: true,
    commit: o.after_read === 'keep' ? undefined : ('action' as const),
  }),
  create(o, ctx) {
    const opened = new Map<string, InputFormat>()
    const open = (read: ReadOptions): InputFormat => ({
      reader: createCsvReader(o, read),
      text: textUnits(o.encoding),
      lines: o.header ? 2 : 1,
    })
    const formatOf = (path: string) => {
      const partitions = partitionsIn(portable(path, ctx.root))
      const key = JSON.stringify(partitions)
      if (!opened.has(key)) opened.set(key, withPartitions(ctx, partitions, open))
      return opened.get(key)!
    }
    const afterRead = afterReadOf(o, ctx)
    return filesSource({ paths: pathsOf(o), endings, afterRead, watchMs: o.watch, formatOf }, ctx)
  },
  decoder: (o, ctx) => decodeWithPartitions(ctx, (read) => createCsvReader(o, read).decode!),
  reads: (o, env) => placesOf(pathsOf(o), env),
  async infer(o, env, signal) {
    const found = await inFirstInput(pathsOf(o), env, endings, async (input, path) =>
      withFolders(await inferCsv(input, o, signal), partitionsIn(portable(path, env.root))),
    )
    return found ?? { fields: {} }
  },
  probe: (o, env) => describeInputs(pathsOf(o), env, endings),
})
