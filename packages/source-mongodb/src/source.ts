/**
 * The definition of `type: mongodb` as a source. The driver is loaded when reading begins, so a check costs nothing.
 */
import { DataError, defineSource } from '@millrace/core'
import { mongodbProblems, placeOf } from '@millrace/client-mongodb'
import { compileDecoder, documentFromText } from './decode.ts'
import { options } from './options.ts'

export const mongodb = defineSource({
  kind: 'source',
  type: 'mongodb',
  summary: 'Reads the documents of a collection of MongoDB, to their end.',
  options,
  serves: ['documents'],
  check: mongodbProblems,
  capabilities: () => ({ bounded: true, replayable: true, lanes: 'one' }),
  create: (o, ctx) => ({
    async *read(reading) {
      yield { splits: [{ id: o.collection }], complete: true }
      if (reading.signal.aborted) return
      const { readCollection } = await import('./read.ts')
      yield* readCollection(o, ctx, reading)
    },
    locate: async (_split, position) => `${o.collection} of ${o.database}, _id ${position}`,
  }),
  reads: (o) => [placeOf(o)],
  decoder(_o, ctx) {
    const decode = compileDecoder(ctx)
    return (bytes) => {
      const decoded = decode(documentFromText(Buffer.from(bytes).toString('utf8')))
      if ('row' in decoded) return decoded.row
      throw new DataError(decoded.code, decoded.message, decoded.field)
    }
  },
  async infer(o, env, signal) {
    const { inferType } = await import('./infer.ts')
    return inferType(o, env, signal)
  },
  async probe(o, env, signal) {
    const { countDocuments } = await import('./infer.ts')
    return countDocuments(o, env, signal)
  },
})
