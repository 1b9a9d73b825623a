/** Generates records: the same ones for the same seed and time. */
import { defineSource, type Problem } from '@millrace/core'
import { checkGenerator } from './check.ts'
import { columnProblems } from './columns.ts'
import { generatorOf } from './generator.ts'
import { naturalRecord } from './natural.ts'
import { options } from './options.ts'
import { readStream } from './read.ts'
import { timestampOf } from './time.ts'
import { createMaker } from './values.ts'

export const generate = defineSource({
  kind: 'source',
  type: 'generate',
  summary: 'Generates records: names, numbers, times and references to earlier records, repeatable by a seed.',
  options,
  check: checkGenerator,
  accepts(o, schema): readonly Problem[] {
    const generator = generatorOf(o)
    return columnProblems(generator, generator.streams.get(generator.own) ?? [], schema)
  },
  capabilities: (o) => ({ bounded: o.count !== undefined, replayable: true, lanes: 'one', contentSplits: true }),
  create: (o, ctx) => ({
    read: (read) => readStream(o, ctx, read),
    locate: (split, position) => Promise.resolve(`record ${position} of ${split}`),
  }),
  async infer(o) {
    const generator = generatorOf(o)
    return naturalRecord(generator, generator.streams.get(generator.own) ?? [])
  },
  async probe(o) {
    const generator = generatorOf(o)
    const { turns, of } = await createMaker(generator, o.seed, o.clock === 'now' ? 0 : timestampOf(o.clock)!)
    // The first turn of a stream may come late; one that never comes is refused by the check.
    let turn = 0
    while (!turns.isMade(generator.own, turn)) turn++
    const fields = Object.keys(of(generator.own).recordAt(turn))
    return `makes records of ${generator.own} with ${fields.length} fields`
  },
})
