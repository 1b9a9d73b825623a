/**
 * The definition of `type: dynamodb` as a source. The SDK is loaded when reading begins, so a check costs nothing.
 */
import { DataError, defineSource } from '@millrace/core'
import { dynamodbProblems, placeOf, tableOf } from '@millrace/client-dynamodb'
import { compileDecoder, itemFrom, keyFrom } from './decode.ts'
import { options } from './options.ts'

export const dynamodb = defineSource({
  kind: 'source',
  type: 'dynamodb',
  summary: 'Reads the items of a table of DynamoDB, to its end.',
  options,
  serves: ['documents'],
  check: dynamodbProblems,
  capabilities: () => ({ bounded: true, replayable: true, lanes: 'one' }),
  create: (o, ctx) => ({
    async *read(reading) {
      yield { splits: [{ id: o.collection }], complete: true }
      if (reading.signal.aborted) return
      const { readTable } = await import('./read.ts')
      yield* readTable(o, ctx, reading)
    },
    locate: (_split, position) => Promise.resolve(`table ${tableOf(o, o.collection)}, key ${position}`),
  }),
  reads: (o) => [placeOf(o)],
  decoder(_o, ctx) {
    return (bytes, context) => {
      const decoded = compileDecoder(ctx, keyFrom(context))(itemFrom(Buffer.from(bytes).toString('utf8')))
      if ('row' in decoded) return decoded.row
      throw new DataError(decoded.code, decoded.message, decoded.field)
    }
  },
  async infer(o, env, signal) {
    const { inferType } = await import('./infer.ts')
    return inferType(o, env, signal)
  },
  async probe(o, env, signal) {
    const { describeTable } = await import('./infer.ts')
    return describeTable(o, env, signal)
  },
})
