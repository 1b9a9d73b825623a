import { describe, expect, it } from 'vitest'
import { explode } from '../src/explode.ts'
import { nest } from '../src/nest.ts'
import { problems, recordsOf, recordType, run } from './step.ts'

describe('nest', () => {
  const input = recordType({ id: 'integer', street: 'string', name: 'string', zip: 'string?' })
  const row = { id: 1, street: 'High Street', name: 'Ann', zip: null }

  it('puts fields into an object, at the position of the first one', () => {
    const out = run(nest, { address: ['street', { code: 'zip' }] }, input, [row])
    expect(out.rows).toEqual([{ id: 1, address: { street: 'High Street', code: null }, name: 'Ann' }])
    expect(Object.keys(out.rows[0]!)).toEqual(['id', 'address', 'name'])
    expect(out.type).toBe('{ id: integer, address: { street: string, code: string? }, name: string }')
  })

  it('makes several objects, even one with the name of a field it takes', () => {
    const out = run(nest, { street: ['street'], who: ['name', 'id'] }, input, [row])
    expect(out.rows).toEqual([{ who: { name: 'Ann', id: 1 }, street: { street: 'High Street' }, zip: null }])
  })

  it('keeps fields that the schema does not name', () => {
    const out = run(nest, { o: ['a'] }, recordType({ a: 'integer' }, true), [{ a: 1, more: 2 }])
    expect(out.rows).toEqual([{ o: { a: 1 }, more: 2 }])
    expect(out.type).toBe('{ o: { a: integer }, ... }')
  })

  it('reports what is wrong with its config', () => {
    expect(problems(nest, { address: ['stret'] }, input)).toEqual([
      'unknown_field address.0: the records have no field `stret` here',
    ])
    expect(problems(nest, { name: ['street'] }, input)).toEqual([
      'duplicate_field name (key): there would be two fields `name`',
    ])
    expect(problems(nest, { a: ['street'], b: ['street'] }, input)).toEqual([
      'duplicate_field b.0: `street` is already in `a`',
    ])
    expect(problems(nest, { a: [] }, input)).toEqual(['bad_value a: `a` would have no fields'])
  })
})

describe('explode', () => {
  const input = recordType({ no: 'string', lines: 'list<integer?>', country: 'string' })

  it('makes a record from each item, in place of the list', () => {
    const out = run(explode, 'lines', input, [
      { no: 'a', lines: [1, null], country: 'x' },
      { no: 'b', lines: [3], country: 'y' },
    ])
    expect(out.rows).toEqual([
      { no: 'a', lines: 1, country: 'x' },
      { no: 'a', lines: null, country: 'x' },
      { no: 'b', lines: 3, country: 'y' },
    ])
    expect(Object.keys(out.rows[0]!)).toEqual(['no', 'lines', 'country'])
    expect(out.origins).toEqual([0, 0, 1])
    expect(out.type).toBe('{ no: string, lines: integer?, country: string }')
  })

  it('gives each record a distinct id, which depends only on its list', () => {
    const rows = [
      { no: 'a', lines: [1, 2], country: 'x' },
      { no: 'b', lines: [3], country: 'y' },
    ]
    const { applied } = run(explode, 'lines', input, rows)
    expect(recordsOf(rows).derive(applied.rows, applied.origins, 'step').ids()).toEqual([
      'test/in/s@0#step.0',
      'test/in/s@0#step.1',
      'test/in/s@1#step.0',
    ])
  })

  it('filters out records without items', () => {
    const optional = recordType({ no: 'string', lines: 'list<integer>?' })
    const out = run(explode, 'lines', optional, [
      { no: 'a', lines: [] },
      { no: 'b', lines: null },
      { no: 'c' },
      { no: 'd', lines: [1] },
    ])
    expect(out.rows).toEqual([{ no: 'd', lines: 1 }])
    expect(out.origins).toEqual([3])
    expect(out.failed).toEqual([])
  })

  it('names the item and its index', () => {
    const out = run(explode, { field: 'lines', as: 'line', index: 'n' }, input, [
      { no: 'a', lines: [7, 8], country: 'x' },
    ])
    expect(out.rows).toEqual([
      { no: 'a', line: 7, country: 'x', n: 0 },
      { no: 'a', line: 8, country: 'x', n: 1 },
    ])
    expect(out.type).toBe('{ no: string, line: integer?, country: string, n: integer }')
  })

  it('reports what is wrong with its config', () => {
    expect(problems(explode, 'line', input)).toEqual(['unknown_field : the records have no field `line` here'])
    expect(problems(explode, { field: 'no' }, input)).toEqual(['wrong_type field: `no` is not a list'])
    expect(problems(explode, { field: 'lines', as: 'no' }, input)).toEqual([
      'duplicate_field as: there would be two fields `no`',
    ])
    expect(problems(explode, { field: 'lines', index: 'lines' }, input)).toEqual([
      'duplicate_field index: there would be two fields `lines`',
    ])
  })
})
