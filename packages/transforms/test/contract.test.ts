/** Every step keeps the contract of steps, with bad data, nulls and filtered records among its input. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformContract } from '@millrace/testkit'
import { recordType } from './step.ts'

const module = new URL('../src/index.ts', import.meta.url)
const row = (no: string, date: string, quantity: number, price: number, country: string | null) => ({
  no,
  date,
  quantity,
  price,
  country,
})
const input = recordType({ no: 'string', date: 'string', quantity: 'integer', price: 'number', country: 'string?' })
const rows = [
  row('536365', '12/1/2010 8:26', 6, 2.55, 'United Kingdom'),
  row('536365', '12/1/2010 8:26', 0, 3.39, null),
  row('C536379', '2/30/2010 9:41', -1, 27.5, null),
  row('536370', '12/1/2010 8:45', 24, 3.75, 'France'),
  row('536370', '12/1/2010 8:45', 24, 3.75, 'France'),
  row('A563185', 'yesterday', 1, 11_062.06, 'United Kingdom'),
  row('536389', '12/1/2010 10:03', 300, 8.5, 'Australia'),
]

transformContract(module, 'parse_dates', {
  'text to text and to timestamps': () => ({
    options: { date: { formats: ['M/d/yyyy H:mm'], to: 'yyyy-MM-dd HH:mm:ss', zone: 'Europe/London' } },
    input,
    rows,
    expectedFailures: ['bad_date', 'bad_date'],
  }),
})
transformContract(module, 'select', {
  'fields and renames': () => ({ options: ['country', { n: 'quantity', no: 'no' }], input, rows }),
})
transformContract(module, 'set', {
  'expressions and constants': () => ({
    options: { total: 'price * double(quantity)', share: '100 / quantity', source: { value: 'retail' } },
    input,
    rows,
    expectedFailures: ['division_by_zero'],
  }),
})
transformContract(module, 'drop', { 'some fields': () => ({ options: ['date', 'country'], input, rows }) })
transformContract(module, 'where', {
  'a condition that fails for some': () => ({
    options: 'country != null && 100 / quantity < 50',
    input,
    rows,
    expected: [rows[0]!, rows[3]!, rows[4]!, rows[6]!],
  }),
})
transformContract(module, 'route', {
  'with else': () => ({
    options: { big: '24 / quantity == 1', known: 'country != null', else: 'rest' },
    input,
    rows,
    expected: [],
    expectedFailures: ['division_by_zero'],
    expectedSides: { big: [rows[3]!, rows[4]!], known: [rows[0]!, rows[5]!, rows[6]!], rest: [rows[2]!] },
  }),
})
transformContract(module, 'cast', {
  'numbers and dates': () => ({
    options: { quantity: 'decimal(4,1)', no: 'integer', date: { to: 'date', formats: ['M/d/yyyy H:mm'], zone: 'UTC' } },
    input,
    rows,
    expectedFailures: ['not_integer', 'not_integer'],
  }),
})
transformContract(module, 'default', { 'where it is null': () => ({ options: { country: 'unknown' }, input, rows }) })
transformContract(module, 'dedupe', {
  'by several fields': () => ({ options: { by: ['no', 'quantity'], last: 3 }, input, rows }),
  'remembering one': () => ({ options: { by: 'no', last: 1 }, input, rows }),
  'null equal to null': () => ({ options: { by: ['country'], last: 2, nulls: 'equal' }, input, rows }),
  'null passing': () => ({ options: { by: ['country', 'no'], last: 10, nulls: 'pass' }, input, rows }),
  'by id': () => ({ options: { last: 10 }, input, rows, expected: rows }),
})
transformContract(module, 'aggregate', {
  'every aggregate, with records that fail': () => ({
    options: {
      by: ['country'],
      outputs: {
        lines: 'count()',
        known: 'count(country)',
        rate: 'sum(24 / quantity) > 0',
        mean: 'avg(quantity)',
        least: 'min(date)',
        first: 'first(no)',
        last: 'last(price)',
        kinds: 'count_distinct(no)',
      },
      max_groups: 10,
    },
    input,
    rows,
    expected: [],
    expectedFailures: ['division_by_zero'],
  }),
  'groups of bytes': () => {
    const bytes = (...all: number[]) => new Uint8Array(all)
    return {
      options: { by: ['raw', 'n'], outputs: { lines: 'count()', kinds: 'count_distinct(raw)' }, max_groups: 10 },
      input: recordType({ raw: 'bytes?', n: 'number' }),
      rows: [
        { raw: bytes(0, 1), n: 0 },
        { raw: bytes(0, 1), n: -0 },
        { raw: bytes(), n: 0 },
        { raw: null, n: 0 },
        { raw: bytes(0, 1), n: 0 },
        { raw: bytes(0), n: 1 },
      ],
      expectedResults: [
        { raw: bytes(0, 1), n: 0, lines: 3, kinds: 1 },
        { raw: bytes(), n: 0, lines: 1, kinds: 1 },
        { raw: null, n: 0, lines: 1, kinds: 0 },
        { raw: bytes(0), n: 1, lines: 1, kinds: 1 },
      ],
    }
  },
  'one group': () => ({ options: { by: [], outputs: { last: 'last(quantity)' }, max_groups: 1 }, input, rows }),
})
transformContract(module, 'explode', {
  'with empty lists and none': () => ({
    options: { field: 'lines', as: 'line', index: 'n' },
    input: recordType({ no: 'string', lines: 'list<integer?>?' }),
    rows: [
      { no: 'a', lines: [1, null, 3] },
      { no: 'b', lines: [] },
      { no: 'c', lines: null },
      { no: 'd', lines: [4] },
    ],
  }),
})
transformContract(module, 'nest', {
  'two objects': () => ({ options: { item: ['quantity', { each: 'price' }], at: ['date'] }, input, rows }),
})
transformContract(module, 'join', {
  'with records that match nothing': () => ({
    options: { source: 'countries', on: { country: 'name' }, type: 'left', max_rows: 10 },
    input,
    rows,
    sideInputs: {
      side: {
        type: recordType({ name: 'string', code: 'string' }),
        rows: [
          { name: 'France', code: 'FR' },
          { name: 'United Kingdom', code: 'GB' },
        ],
      },
    },
  }),
})
transformContract(module, 'call', {
  'one of one, none or an error': ({ root }) => {
    writeFileSync(
      join(root, 'steps.mjs'),
      `export function half(row) {
        if (row.quantity === 0) return null
        if (row.quantity < 0) throw new Error('a credit note')
        return { no: row.no, half: row.quantity / 2 }
      }`,
    )
    return {
      options: { function: './steps.mjs#half', output: recordType({ no: 'string', half: 'integer' }), returns: 'row' },
      input,
      rows,
      expectedFailures: ['call_failed', 'bad_result'],
    }
  },
  'several of one': ({ root }) => {
    writeFileSync(
      join(root, 'steps.mjs'),
      `export default (row) => Array.from({ length: Math.max(0, row.quantity % 5) }, (_, n) => ({ no: row.no, n }))`,
    )
    return {
      options: { function: './steps.mjs', output: recordType({ no: 'string', n: 'integer' }), returns: 'rows' },
      input,
      rows,
    }
  },
})
