import type { Row } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { join } from '../src/join/index.ts'
import { apply, problems, recordType, run } from './step.ts'

const input = recordType({ asin: 'string', category_id: 'integer?' })
const side = recordType({ id: 'integer', category_name: 'string', note: 'string?' })
const categories = [
  { id: 1, category_name: 'Beads', note: null },
  { id: 2, category_name: 'Games', note: 'x' },
]
const rows = [
  { asin: 'a', category_id: 2 },
  { asin: 'b', category_id: 9 },
  { asin: 'c', category_id: null },
  { asin: 'd', category_id: 1 },
]
const plain = { source: 'categories', on: { category_id: 'id' }, type: 'inner', max_rows: 1000 }

function joined(config: object, loaded: readonly Row[][], given: readonly Row[] = rows, types = { input, side }) {
  const { transform, ...ran } = run(join, { ...plain, ...config }, types.input, [], {
    sideInputs: { side: types.side },
  })
  for (const batch of loaded) transform.load!('side', batch)
  return { ...apply(transform, given), type: ran.type, inference: ran.inference }
}

describe('join', () => {
  it('adds the fields of the other side except its keys', () => {
    const out = joined({}, [categories])
    expect(out.rows).toEqual([
      { asin: 'a', category_id: 2, category_name: 'Games', note: 'x' },
      { asin: 'd', category_id: 1, category_name: 'Beads', note: null },
    ])
    expect(out.type).toBe('{ asin: string, category_id: integer?, category_name: string, note: string? }')
  })

  it('filters out records without a match, and those whose key is null', () => {
    const out = joined({}, [categories])
    expect(out.origins).toEqual([0, 3])
    expect(out.failed).toEqual([])
  })

  it('keeps them with null in a left join', () => {
    const out = joined({ type: 'left', fields: [{ category: 'category_name' }] }, [categories])
    expect(out.rows.map((row) => row['category'])).toEqual(['Games', null, null, 'Beads'])
    expect(out.applied.origins).toBe(undefined)
    expect(out.type).toBe('{ asin: string, category_id: integer?, category: string? }')
  })

  it('joins on several fields, and on one with the same name', () => {
    const types = {
      input: recordType({ a: 'string', b: 'integer' }),
      side: recordType({ a: 'string', b: 'integer', c: 'string' }),
    }
    const loaded = [[{ a: 'x', b: 1, c: 'one' }], [{ a: 'x', b: 2, c: 'two' }]]
    expect(joined({ on: ['a', 'b'] }, loaded, [{ a: 'x', b: 2 }], types).rows).toEqual([{ a: 'x', b: 2, c: 'two' }])
    expect(joined({ on: 'b', fields: ['c'] }, loaded, [{ a: 'y', b: 1 }], types).rows).toEqual([
      { a: 'y', b: 1, c: 'one' },
    ])
  })

  it('joins decimals with the same scale, whatever their precision', () => {
    const types = {
      input: recordType({ price: 'decimal(10,2)' }),
      side: recordType({ price: 'decimal(4,2)', name: 'string' }),
    }
    const loaded = [[{ price: '1.50', name: 'one and a half' }]]
    expect(joined({ on: 'price' }, loaded, [{ price: '1.50' }], types).rows).toHaveLength(1)
    const other = { sideInputs: { side: recordType({ price: 'decimal(4,1)', name: 'string' }) } }
    expect(problems(join, { ...plain, on: 'price' }, types.input, other)).toHaveLength(1)
  })

  it('refuses two rows with one key unless the spec says which counts', () => {
    const twice = [categories, [{ id: 1, category_name: 'Other', note: null }]]
    expect(() => joined({}, twice)).toThrow('step: source `categories` has two rows with the key 1')
    const name = (take: string) => joined({ take }, twice).rows[1]!['category_name']
    expect([name('first'), name('last')]).toEqual(['Beads', 'Other'])
  })

  it('ignores rows of the other side without a key', () => {
    const types = { input, side: recordType({ id: 'integer?', category_name: 'string' }) }
    const loaded = [
      [
        { id: null, category_name: 'x' },
        { id: null, category_name: 'y' },
      ],
    ]
    expect(joined({}, loaded, rows, types).rows).toEqual([])
  })

  it('stops before the other side fills the memory', () => {
    expect(() => joined({ max_rows: 1 }, [categories])).toThrow('step: source `categories` has more than 1 keys')
  })

  it('reads its other side from a file given by name, or from a source', () => {
    const sideInputs = (config: object) => join.sideInputs!({ ...plain, source: undefined, ...config } as never)
    expect(sideInputs({ file: 'data/categories.csv.gz', schema: side })).toEqual({
      side: { type: 'csv', config: { path: 'data/categories.csv.gz' }, schema: side },
    })
    expect(sideInputs({ file: 'data/categories.parquet', schema: side })).toMatchObject({ side: { type: 'files' } })
    expect(sideInputs({ source: 'categories' })).toEqual({ side: { source: 'categories' } })
  })

  it('reports what is wrong with its config', () => {
    const wrong = (config: object) => problems(join, { ...plain, ...config }, input, { sideInputs: { side } })
    expect(wrong({ source: undefined })).toEqual([
      'missing_key : `join` reads its other side from `file` or from `source`: set one of them',
    ])
    expect(wrong({ file: 'x.csv', schema: side })).toEqual([
      'missing_key : `join` reads its other side from `file` or from `source`: set one of them',
    ])
    expect(wrong({ source: undefined, file: 'x.csv' })).toEqual(['missing_key : `schema` of the file is missing'])
    expect(wrong({ source: undefined, file: 'x.txt', schema: side })).toEqual([
      'bad_value file: `x.txt` does not indicate its format',
    ])
    expect(wrong({ on: { category: 'id' } })).toEqual([
      'unknown_field on.category (key): the records have no field `category` here',
    ])
    expect(wrong({ on: { category_id: 'key' } })).toEqual([
      'unknown_field on.category_id: the other side has no field `key`',
    ])
    expect(wrong({ on: { asin: 'id' } })).toEqual([
      'wrong_type on.asin: `asin` and `id` of the other side have different types and would never be equal',
    ])
    expect(wrong({ fields: ['name'] })).toEqual(['unknown_field fields.0: the other side has no field `name`'])
    expect(wrong({ fields: [{ asin: 'category_name' }] })).toEqual([
      'duplicate_field fields.0.asin (key): there would be two fields `asin`',
    ])
    const types = recordType({ id: 'integer', asin: 'string' })
    expect(problems(join, plain, input, { sideInputs: { side: types } })).toEqual([
      'duplicate_field : there would be two fields `asin`',
    ])
  })
})
