/** The definition of `type: redshift` as a sink. */
import { defineSink, type Sink } from '@millrace/core'
import { keyFields } from '@millrace/kinds'
import { mostTextBytes } from './columns.ts'
import { accepts, mapping, type Options, optionProblems, options } from './options.ts'

export const redshift = defineSink({
  kind: 'sink',
  type: 'redshift',
  summary:
    'Rows in typed columns of an Amazon Redshift table, staged in S3 and loaded by COPY or by a job of AWS Glue.',
  options,
  serves: ['warehouse'],
  check: optionProblems,
  capabilities(o) {
    const rolling = { checkpointsOnRoll: true, slowPublish: true, limits: limits(o) }
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

/** Redshift's developer guide, "Data types" and "Quotas and limits". */
const limits = ({ max_text_bytes }: Options): Readonly<Record<string, string>> => ({
  row: '4 MiB as CSV',
  text: `${max_text_bytes} bytes in a new table (VARCHAR counts bytes)`,
  'list, map, object or JSON': `${mostTextBytes} bytes as JSON text`,
  'value of bytes': '64,000 bytes, and not empty',
  decimal: '38 digits',
  table: '1,598 columns; names of 127 bytes, in lower case',
})
