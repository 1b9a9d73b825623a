/** Reads files of several formats: CSV, JSON lines, JSON arrays, Parquet, Arrow. */
import { defineSource, type Env, option, type Static } from '@millrace/core'
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
import { partitionsIn, withFolders } from '@millrace/formats'
import { fileReadFormats as formats, inferFile } from '@millrace/formats-columnar'
import { objectReading } from '@millrace/kinds'

const options = option.object({ ...filesOptions, format: option.optional(formats.option) })
type Options = Static<typeof options>

const reading = objectReading(formats)

export const sourceFiles = defineSource({
  kind: 'source',
  type: 'files',
  serves: ['objects'],
  summary:
    'Reads files of CSV, JSON lines, JSON, Parquet or Arrow, plain or compressed: one, several, a folder, or standard input.',
  options,
  check: (o, env) => [...filesProblems(o, env), ...reading.formatProblems(o, pathsOf(o))],
  accepts: reading.acceptProblems,
  capabilities: (o) => ({
    bounded: o.watch === undefined,
    replayable: !pathsOf(o).includes('-'),
    lanes: 'one',
    contentSplits: true,
    newSplits: true,
    pushdown: true,
    skips: reading.skips(o, pathsOf(o)),
    commit: o.after_read === 'keep' ? undefined : ('action' as const),
  }),
  create(o, ctx) {
    const open = reading.opener(o, ctx)
    const formatOf = (path: string) => open(path, portable(path, ctx.root))
    const afterRead = afterReadOf(o, ctx)
    const endings = reading.endingsOf(o)
    return filesSource({ paths: pathsOf(o), endings, afterRead, watchMs: o.watch, formatOf }, ctx)
  },
  decoder: reading.decoderOf,
  reads: (o, env) => placesOf(pathsOf(o), env),
  async infer(o: Options, env: Env, signal, note) {
    const found = await inFirstInput(pathsOf(o), env, reading.endingsOf(o), async (input, path) =>
      withFolders(
        await inferFile(input, reading.formatFor(o, path), signal, note),
        partitionsIn(portable(path, env.root)),
      ),
    )
    return found ?? { fields: {} }
  },
  probe: (o, env) => describeInputs(pathsOf(o), env, reading.endingsOf(o)),
})
