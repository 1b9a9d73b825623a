import { join } from 'node:path'
import type { RecordType, Row } from '@millrace/core'
import { type Faulty, sinkContract } from '@millrace/testkit'
import { defaults, documentRows, everyRow, everyType, integer, lockStore, refuseWhere, string } from './store.ts'

const module = new URL('../src/index.ts', import.meta.url)
const keyed: RecordType = { fields: { group: string(true), at: integer(true), total: integer() } }
const keyedRows: Row[] = Array.from({ length: 15 }, (_, i) => ({ group: 'abc'[i % 3], at: i, total: i * i }))
const row: Row = { ...everyRow(1)[0], text: 'sound' }

const unencodable: Faulty[] = [
  { row: { ...row, text: 'x\ud83d' }, code: 'bad_text' },
  { row: { ...row, any: { deep: ['\udc00'] } }, code: 'bad_text' },
  { row: { ...row, at: 9e15 }, code: 'out_of_range' },
  { row: { ...row, inner: { at: 9e15, name: null } }, code: 'out_of_range' },
]
const refused: Faulty[] = [{ row: { ...row, n: 1000, text: 'refused' }, code: 'constraint' }]
const refusing = "json_extract(new.doc, '$.text') = 'refused'"
const hang = (home: string) => () => lockStore(join(home, 'store.db'))

/** Documents known by the record's id. */
sinkContract({
  module,
  type: 'sqlite',
  async setup({ env }) {
    const options = { ...defaults, collection: 'every type' }
    await refuseWhere(env, options, everyType, refusing)
    return {
      options,
      schema: everyType,
      rows: everyRow(170),
      visible: () => documentRows(join(env.home, 'store.db'), 'every type', everyType),
      nullKeys: { none: 'documents are known by the ids of their records' },
      unencodable,
      refused,
      hang: hang(env.home),
      updates: [everyRow(2)[0]!, everyRow(2)[1]!],
    }
  },
})

/** Documents inserted under a key of fields. */
sinkContract({
  module,
  type: 'sqlite',
  async setup({ env }) {
    const options = { ...defaults, collection: 'by key', write: 'insert' as const, key: ['at', 'text'] }
    const { fields } = everyType
    const schema: RecordType = { fields: { ...fields, at: { ...fields['at']!, optional: true } } }
    const rows = everyRow(120).map((each, n) => ({ ...each, text: `text ${n}` }))
    await refuseWhere(env, options, schema, refusing)
    return {
      options,
      schema,
      rows,
      visible: () => documentRows(join(env.home, 'store.db'), 'by key', schema),
      nullKeys: ['at', 'text'],
      unencodable,
      refused,
      hang: hang(env.home),
    }
  },
})

/** Attributes gathered in the document of a key, told apart again. */
sinkContract({
  module,
  type: 'sqlite',
  async setup({ env }) {
    const options = {
      ...defaults,
      collection: 'gathered',
      write: 'set' as const,
      key: 'group',
      attribute: { name: 'at', value: ['total'] },
    }
    await refuseWhere(env, options, keyed, "new.doc LIKE '%-404%'")
    return {
      options,
      schema: keyed,
      rows: keyedRows,
      visible: () =>
        documentRows(join(env.home, 'store.db'), 'gathered', { fields: {}, open: true }).flatMap(
          ({ group, ...attributes }) =>
            Object.entries(attributes).map(([at, value]) => ({ group, at: Number(at), ...(value as Row) })),
        ),
      nullKeys: ['group'],
      unencodable: [
        { row: { group: 'a', at: null, total: 1 }, code: 'null_name' },
        { row: { group: '\ud83d', at: 1, total: 1 }, code: 'bad_text' },
      ],
      // Each is merged with sound records of its key, and only it is refused.
      refused: [{ row: { group: 'a', at: 99, total: -404 }, code: 'constraint' }],
      hang: hang(env.home),
      updates: [
        { group: 'a', at: 1, total: 1 },
        { group: 'a', at: 1, total: 2 },
      ],
    }
  },
})
