/** Reads CSV files: types, projection and dates in one scanner. */
import { defineSource, option, type SourceContext, type Static } from '@millrace/core'
import {
  afterReadOf,
  describeInputs,
  filesOptions,
  filesProblems,
  filesSource,
  inFirstInput,
  pathsOf,
  placesOf,
} from '@millrace/client-files'
import { createCsvReader, csvOptions, csvProblems, inferCsv, textUnits } from '@millrace/formats'

const options = option.object({ ...filesOptions, ...csvOptions })
type Options = Static<typeof options>

/** The file name extensions that are read in a folder. */
const endings = ['.csv', '.tsv', '.txt']

const readerOf = (o: Options, { schema, unknownFields, push }: SourceContext) =>
  createCsvReader(o, { schema, unknownFields, push })

export const sourceCsv = defineSource({
  kind: 'source',
  type: 'csv',
  serves: ['objects'],
  summary: 'Reads CSV files, plain or compressed: one, several, a folder, or standard input.',
  options,
  check: (o, env) => [...filesProblems(o, env), ...csvProblems(o)],
  capabilities: (o) => ({
    bounded: true,
    replayable: !pathsOf(o).includes('-'),
    lanes: 'one',
    contentSplits: true,
    newSplits: true,
    pushdown: true,
    ...(o.after_read === 'keep' ? {} : { commit: 'action' as const }),
  }),
  create(o, ctx) {
    const format = { reader: readerOf(o, ctx), text: textUnits(o.encoding), lines: o.header ? 2 : 1 }
    return filesSource({ paths: pathsOf(o), endings, afterRead: afterReadOf(o, ctx), formatOf: () => format }, ctx)
  },
  decoder: (o, ctx) => readerOf(o, ctx).decode!,
  reads: (o, env) => placesOf(pathsOf(o), env),
  async infer(o, env, signal) {
    const found = await inFirstInput(pathsOf(o), env, endings, (input) => inferCsv(input, o, signal))
    return found ?? { fields: {} }
  },
  probe: (o, env) => describeInputs(pathsOf(o), env, endings),
})
