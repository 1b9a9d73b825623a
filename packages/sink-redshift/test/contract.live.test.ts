/** The contract of sinks, on the stand-in for Redshift. */
import type { RecordType } from '@millrace/core'
import { type Faulty, sinkContract } from '@millrace/testkit'
import { describe } from 'vitest'
import { everyRow, everyType } from '../../sink-postgres/test/server.ts'
import { makePlace, type Place, tableRows, urls } from './place.ts'

const module = new URL('../src/index.ts', import.meta.url)
const row = everyRow(1)[0]!
const unencodable: Faulty[] = [
  { row: { ...row, text: 'x\ud83d' }, code: 'bad_text' },
  { row: { ...row, text: 'x\0' }, code: 'bad_text' },
  { row: { ...row, any: { deep: ['\udc00'] } }, code: 'bad_text' },
  { row: { ...row, at: 9e15 }, code: 'out_of_range' },
  { row: { ...row, large: 2n ** 63n }, code: 'out_of_range' },
  { row: { ...row, price: '9'.repeat(40) }, code: 'out_of_range' },
  { row: { ...row, text: 'ü'.repeat(32_768) }, code: 'too_large' },
]
const refused = { none: 'what Redshift would refuse is refused before it is staged' }

const hangOf = (place: Place) => async () => {
  await Promise.all([place.proxy.set('black_hole'), place.s3Proxy.set('frozen')])
  return async () => {
    for (const proxy of [place.proxy, place.s3Proxy]) await proxy.set('reset').then(() => proxy.set('none'))
  }
}

describe.skipIf(!urls)('on the stand-in', () => {
  /** Rows added to a table. */
  sinkContract({
    module,
    type: 'redshift',
    async setup({ defer }) {
      const place = await makePlace(defer)
      return {
        options: place.options({ table: 'every type' }),
        schema: everyType,
        rows: everyRow(120),
        visible: () => tableRows(place, 'every type', everyType),
        nullKeys: { none: 'rows are added, without a key' },
        unencodable,
        refused,
        hang: hangOf(place),
        guardsExisting: true,
      }
    },
  })

  /** Rows of a table by key. */
  sinkContract({
    module,
    type: 'redshift',
    async setup({ defer }) {
      const { fields } = everyType
      const keyed: RecordType = {
        fields: { ...fields, n: { ...fields['n']!, optional: true }, large: { ...fields['large']!, optional: true } },
      }
      const place = await makePlace(defer)
      return {
        options: place.options({ table: 'by key', write: 'merge', key: ['n', 'large'] }),
        schema: keyed,
        rows: everyRow(120),
        visible: () => tableRows(place, 'by key', keyed),
        nullKeys: ['n', 'large'],
        unencodable,
        refused,
        hang: hangOf(place),
        updates: [row, { ...row, text: 'after' }],
      }
    },
  })

  /** Rows added by a job of Glue. */
  sinkContract({
    module,
    type: 'redshift',
    async setup({ defer }) {
      const place = await makePlace(defer)
      // A job loads into a table that is there.
      await (await place.open({ table: 'by job' }, everyType)).close!()
      return {
        options: place.options({
          table: 'by job',
          load: 'glue',
          glue: { job: `load-${place.schema}`, endpoint: urls!.glue, poll: 20 },
          url: undefined,
          iam_role: undefined,
        }),
        schema: everyType,
        rows: everyRow(120),
        visible: () => tableRows(place, 'by job', everyType),
        nullKeys: { none: 'rows are added, without a key' },
        unencodable,
        refused,
        hang: { none: 'the connections are those of COPY' },
      }
    },
  })
})
