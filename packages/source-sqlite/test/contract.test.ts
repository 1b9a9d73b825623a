import { join } from 'node:path'
import { readFileSync, rmSync } from 'node:fs'
import type { Json } from '@millrace/core'
import { sourceContract } from '@millrace/testkit'
import { documentRows, documentType, own, putDocuments, putTable, tableRows, tableType } from './store.ts'

const module = new URL('../src/index.ts', import.meta.url)
interface Saved {
  readonly of: string
  readonly since: string
  readonly position: Json
  readonly next: number
}
const saved = JSON.parse(readFileSync(new URL('positions.json', import.meta.url), 'utf8')) as readonly Saved[]
const positionsOf = (of: string) =>
  saved.filter((entry) => entry.of === of).map(({ since, position, next }) => ({ since, position, next }))

/** Documents of a store of our own, read with their key, some of them broken. */
sourceContract({
  module,
  type: 'sqlite',
  positions: positionsOf('collection'),
  async setup({ env }) {
    const rows = documentRows(2500)
    const path = join(env.home, 'store.db')
    const fill = async (id: number) => {
      putDocuments(path, 'docs', rows, {
        'r/in/s@1000a': '{"n":1.5}',
        'r/in/s@2400a': 'no JSON',
        'r/in/s@2400b': '[]',
        'r/in/s@9999': '{ }',
      })
      await own(path, 'docs', id)
    }
    await fill(1)
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
      async replace() {
        for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
        await fill(5)
      },
    }
  },
})

/** A table without a key of its own, in a file of another program. */
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
