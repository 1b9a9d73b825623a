import { join } from 'node:path'
import type { RecordType } from '@millrace/core'
import { type Faulty, sinkContract } from '@millrace/testkit'
import { defaults, everyRow, everyType, lockStore, refuseWhere, tableRows } from './store.ts'

const module = new URL('../src/index.ts', import.meta.url)
const row = everyRow(1)[0]!
const unencodable: Faulty[] = [
  { row: { ...row, text: 'x\ud83d' }, code: 'bad_text' },
  { row: { ...row, at: 9e15 }, code: 'out_of_range' },
  { row: { ...row, large: 2n ** 63n }, code: 'out_of_range' },
]

/** Rows added to a table. */
sinkContract({
  module,
  type: 'sqlite',
  setup: ({ env }) => ({
    options: { ...defaults, table: 'every type' },
    schema: everyType,
    rows: everyRow(120),
    visible: () => tableRows(join(env.home, 'store.db'), 'every type', everyType),
    nullKeys: { none: 'rows are added, without a key' },
    unencodable,
    refused: { none: 'rows are staged in a table of its own, which takes all that its types allow' },
    hang: () => lockStore(join(env.home, 'store.db')),
    guardsExisting: true,
  }),
})

/** Rows of a table by key. */
sinkContract({
  module,
  type: 'sqlite',
  async setup({ env }) {
    const { fields } = everyType
    const schema: RecordType = { fields: { ...fields, n: { ...fields['n']!, optional: true } } }
    const options = { ...defaults, table: 'by key', write: 'merge' as const, key: ['n', 'large'] }
    const keyed: RecordType = { fields: { ...schema.fields, large: { ...fields['large']!, optional: true } } }
    await refuseWhere(env, options, keyed, "new.text = 'refused'")
    return {
      options,
      schema: keyed,
      rows: everyRow(120),
      visible: () => tableRows(join(env.home, 'store.db'), 'by key', keyed),
      nullKeys: ['n', 'large'],
      unencodable,
      refused: [{ row: { ...row, n: 1000, text: 'refused' }, code: 'constraint' }],
      hang: () => lockStore(join(env.home, 'store.db')),
      updates: [row, { ...row, text: 'after' }],
    }
  },
})
