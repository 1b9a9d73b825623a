/** The definition of `type: postgres` as a sink. */
import { defineSink, type OpenContext, type Sink, type SinkContext } from '@millrace/core'
import { keyFields, withNulls } from '@millrace/kinds'
import { accepts, mapping, optionProblems, type Options, options } from './options.ts'

function tableSink(o: Options, ctx: SinkContext): Sink {
  let sink: Sink | undefined
  const open = async (make: () => Promise<Sink>, context: OpenContext) => {
    sink ??= await make()
    await sink.open!(context)
  }
  const common: Pick<Sink, 'write' | 'close'> = {
    write: (records, context) => sink!.write(records, context),
    close: async () => sink?.close?.(),
  }
  if (o.write !== 'append')
    return { ...common, open: (context) => open(async () => (await import('./merge.ts')).mergeSink(o, ctx), context) }
  return {
    ...common,
    open: (context) => open(async () => (await import('./append.ts')).appendSink(o, ctx), context),
    flush: (context) => sink!.flush!(context),
    publish: (stage, context) => sink!.publish!(stage, context),
  }
}

export const postgres = defineSink({
  kind: 'sink',
  type: 'postgres',
  summary: 'Rows in typed columns of a PostgreSQL table.',
  options,
  serves: ['warehouse'],
  check: optionProblems,
  capabilities: (o) =>
    o.write === 'merge'
      ? {
          label: 'effectively-once',
          how: `merge by ${keyFields(o)?.join(', ')}, one transaction per write`,
          key: keyFields(o),
          keyed: true,
          onNull: o.on_null,
        }
      : {
          label: 'effectively-once',
          how: 'load ledger: each epoch is published once, in one transaction with its ledger entry',
          onNull: o.on_null,
        },
  accepts,
  stopsAtExisting: (o) => o.write !== 'merge' && o.existing === 'stop',
  mapping,
  create: (o, ctx) => withNulls(o, ctx, (each) => tableSink(each, ctx)),
  async probe(o, env, signal) {
    const { probe } = await import('./probe.ts')
    return probe(o, env, signal)
  },
})
