import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { sourceContract } from '@millrace/testkit'
import { documentRows, documentType, putDocuments, putTable, tableRows, tableType } from './store.ts'

const module = new URL('../src/index.ts', import.meta.url)
interface Saved {
  readonly of: string
  readonly since: string
  readonly position: string
  readonly next: number
}
const saved = JSON.parse(readFileSync(new URL('positions.json', import.meta.url), 'utf8')) as readonly Saved[]
const positionsOf = (of: string) =>
  saved.filter((entry) => entry.of === of).map(({ since, position, next }) => ({ since, position, next }))

/** Documents, read with their key, some of them broken. */
sourceContract({
  module,
  type: 'sqlite',
  positions: positionsOf('collection'),
  setup({ env }) {
    const rows = documentRows(2500)
    putDocuments(join(env.home, 'store.db'), 'docs', rows, {
      'r/in/s@1000a': '{"n":1.5}',
      'r/in/s@2400a': 'no JSON',
      'r/in/s@2400b': '[]',
      'r/in/s@9999': '{ }',
    })
    return {
      options: { collection: 'docs' },
      schema: documentType,
      rows: rows.toSorted((a, b) => (String(a['_id']) < String(b['_id']) ? -1 : 1)),
      bad: [
        { code: 'not_integer', field: 'n' },
        { code: 'bad_json' },
        { code: 'not_object' },
        { code: 'missing_value', field: 'n' },
      ],
      push: {
        columns: [
          { name: 'number', from: 'n' },
          { name: 'text', from: 'text' },
        ],
      },
    }
  },
})

/** A table without a key of its own. */
sourceContract({
  module,
  type: 'sqlite',
  positions: positionsOf('rowid'),
  setup({ env }) {
    const rows = tableRows(2500)
    putTable(join(env.home, 'store.db'), 'rows', rows, ')')
    return { options: { table: 'rows' }, schema: tableType, rows }
  },
})
