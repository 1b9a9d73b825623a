/** The definition of `type: redshift` as a sink. */
import { defineSink, type Sink } from '@millrace/core'
import { keyFields } from '@millrace/kinds'
import { accepts, mapping, optionProblems, options } from './options.ts'

export const redshift = defineSink({
  kind: 'sink',
  type: 'redshift',
  summary:
    'Rows in typed columns of an Amazon Redshift table, staged in S3 and loaded by COPY or by a job of AWS Glue.',
  options,
  serves: ['warehouse'],
  check: optionProblems,
  capabilities(o) {
    const rolling = { checkpointsOnRoll: true, slowPublish: true }
    if (o.load === 'glue')
      return {
        label: 'at-least-once',
        how: 'a run of the job is looked for by the name of its manifest before another one is started',
        ...rolling,
      }
    if (o.write === 'merge')
      return {
        label: 'effectively-once',
        how: `merge by ${keyFields(o)?.join(', ')}; load ledger: each load is one transaction with its ledger entry`,
        key: keyFields(o),
        keyed: true,
        ...rolling,
      }
    return {
      label: 'effectively-once',
      how: 'load ledger: each load is one COPY, in one transaction with its ledger entry',
      ...rolling,
    }
  },
  accepts,
  stopsAtExisting: (o) => o.load === 'copy' && o.write !== 'merge' && o.existing === 'stop',
  mapping,
  create(o, ctx) {
    let sink: Sink | undefined
    return {
      async open(context) {
        sink ??= (await import('./writer.ts')).createWriter(o, ctx, () => performance.now())
        await sink.open!(context)
      },
      write: (records, context) => sink!.write(records, context),
      full: () => sink!.full!(),
      flush: (context) => sink!.flush!(context),
      publish: (stage, context) => sink!.publish!(stage, context),
      close: async () => sink?.close?.(),
    }
  },
  async probe(o, env, signal) {
    const { probe } = await import('./probe.ts')
    return probe(o, env, signal)
  },
})
