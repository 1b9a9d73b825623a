import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { sourceContract } from '@millrace/testkit'

const schema = {
  fields: {
    InvoiceNo: { type: { kind: 'string' }, optional: false },
    Description: { type: { kind: 'string' }, optional: true },
    Quantity: { type: { kind: 'integer' }, optional: false },
    InvoiceDate: { type: { kind: 'string' }, optional: false },
    UnitPrice: { type: { kind: 'number' }, optional: false },
  },
} as const
const rowOf = (i: number) => ({
  InvoiceNo: `C${i}`,
  Description: i % 5 ? `says "£${i}",\nand more` : null,
  Quantity: i % 3 ? i : 0 - i,
  InvoiceDate: `${1 + (i % 12)}/1/2010 8:26`,
  UnitPrice: i / 4,
})
const lineOf = ({ InvoiceNo, Description, Quantity, InvoiceDate, UnitPrice }: ReturnType<typeof rowOf>) =>
  `${InvoiceNo},${Description === null ? '' : `"${Description.replaceAll('"', '""')}"`},${Quantity},${InvoiceDate},${UnitPrice}\r\n`
const header = 'InvoiceNo,Description,Quantity,InvoiceDate,UnitPrice\r\n'
const rows = Array.from({ length: 3500 }, (_, i) => rowOf(i))
const files = (from: number, to: number, more = '') =>
  Buffer.from(header + rows.slice(from, to).map(lineOf).join('') + more, 'latin1')
const push = {
  columns: [
    {
      name: 'when',
      from: 'InvoiceDate',
      date: { step: 'dates', formats: ['M/d/yyyy H:mm'], zone: 'UTC', to: 'yyyy-MM-dd HH:mm:ss' },
    },
    { name: 'InvoiceNo', from: 'InvoiceNo' },
    { name: 'amount', from: 'Quantity' },
  ],
}
const csv = {
  delimiter: ',',
  quote: '"',
  header: true,
  encoding: 'latin1',
  nulls: [''],
  ragged: 'error',
  max_record_size: 1 << 20,
  after_read: 'keep',
}
const common = {
  module: new URL('../src/index.ts', import.meta.url),
  type: 'csv',
  positions: new URL('positions.json', import.meta.url),
}

// One file, with bad records of every kind.
sourceContract({
  ...common,
  setup({ root }) {
    writeFileSync(
      join(root, 'in.csv'),
      files(
        0,
        3500,
        'X,,1,13/1/2010 8:26,1\r\nX,,1.5,1/1/2010 8:26,1\r\nX,,1\r\nX,"y"z,1,1/1/2010 8:26,1\r\nX,"open,1',
      ),
    )
    return {
      options: { ...csv, path: 'in.csv' },
      schema,
      push,
      rows: [...rows, { InvoiceNo: 'X', Description: null, Quantity: 1, InvoiceDate: '13/1/2010 8:26', UnitPrice: 1 }],
      bad: [
        { code: 'not_integer', field: 'Quantity' },
        { code: 'ragged_row' },
        { code: 'bad_quote', field: 'Description' },
        { code: 'unclosed_quote', field: 'Description' },
      ],
    }
  },
})

// A folder, one file of it compressed.
sourceContract({
  ...common,
  positions: [
    {
      since: '0.1.0',
      split: 'in/a.csv#10dedbac8d49',
      position: {
        offset: 50888,
        read: { stamp: '65024:10256449:78080:1796062431787019850', bytes: 65536, sum: 4268609998 },
      },
      next: 1000,
    },
    {
      since: '0.1.0',
      split: 'in/a.csv#10dedbac8d49',
      position: {
        offset: 78080,
        read: { stamp: '65024:10256449:78080:1796062431787019850', bytes: 78080, sum: 3188325177, done: true },
      },
      next: 1500,
    },
  ],
  setup({ root }) {
    mkdirSync(join(root, 'in'))
    writeFileSync(join(root, 'in', 'a.csv'), files(0, 1500))
    writeFileSync(join(root, 'in', 'b.csv.gz'), gzipSync(files(1500, 3000)))
    writeFileSync(join(root, 'in', 'c.csv'), files(3000, 3500))
    writeFileSync(join(root, 'in', 'readme.md'), 'no data')
    return { options: { ...csv, path: 'in' }, schema, rows, push }
  },
})

// A folder that is watched: it does not end, and neither does the last line of a file.
sourceContract({
  ...common,
  positions: new URL('positions-watch.json', import.meta.url),
  setup({ root }) {
    mkdirSync(join(root, 'in'))
    writeFileSync(join(root, 'in', 'a.csv'), files(0, 1500))
    writeFileSync(join(root, 'in', 'b.csv.gz'), gzipSync(files(1500, 3000)))
    writeFileSync(join(root, 'in', 'c.csv'), files(3000, 3500, 'X,"open,1'))
    return { options: { ...csv, path: 'in', watch: 50 }, schema, rows, push }
  },
})
