/** The contract of sinks, on a real PostgreSQL. */
import type { RecordType } from '@millrace/core'
import { type Faulty, liveUrl, sinkContract } from '@millrace/testkit'
import { describe } from 'vitest'
import { everyRow, everyType, makePlace, resolved, tableRows } from './server.ts'

const url = liveUrl('POSTGRES')
const module = new URL('../src/index.ts', import.meta.url)
const row = everyRow(1)[0]!
const unencodable: Faulty[] = [
  { row: { ...row, text: 'x\ud83d' }, code: 'bad_text' },
  { row: { ...row, text: 'x\0' }, code: 'bad_text' },
  { row: { ...row, any: { deep: ['\udc00'] } }, code: 'bad_text' },
  { row: { ...row, at: 9e15 }, code: 'out_of_range' },
  { row: { ...row, large: 2n ** 63n }, code: 'out_of_range' },
]
const refused: Faulty[] = [
  { row: { ...row, text: 'refused' }, code: 'constraint' },
  { row: { ...row, price: '9'.repeat(40) }, code: 'refused' },
  { row: { ...row, day: 'never' }, code: 'refused' },
  { row: { ...row, any: { a: 'x\0' } }, code: 'refused' },
]

describe.skipIf(!url)('on a real server', () => {
  const hangOf = (place: Awaited<ReturnType<typeof makePlace>>) => async () => {
    await place.proxy.set('black_hole')
    return () => place.proxy.set('none')
  }

  /** Rows added to a table. */
  sinkContract({
    module,
    type: 'postgres',
    async setup({ defer }) {
      const place = await makePlace(url!, defer)
      await place.open({ table: 'every type' }, everyType)
      await place.query(`ALTER TABLE "every type" ADD CHECK (text <> 'refused')`)
      return {
        options: resolved({ url: place.url as never, schema: place.schema, table: 'every type' }),
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
    type: 'postgres',
    async setup({ defer }) {
      const { fields } = everyType
      const keyed: RecordType = {
        fields: { ...fields, n: { ...fields['n']!, optional: true }, large: { ...fields['large']!, optional: true } },
      }
      const place = await makePlace(url!, defer)
      const options = { table: 'by key', write: 'merge' as const, key: ['n', 'large'] }
      await place.open(options, keyed)
      await place.query(`ALTER TABLE "by key" ADD CHECK (text <> 'refused')`)
      return {
        options: resolved({ url: place.url as never, schema: place.schema, ...options }),
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
})
