import { recordText, type Push } from '@millrace/core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drop } from '../src/drop.ts'
import { parseDates } from '../src/parse-dates.ts'
import { interpretedMaker, rowMaker } from '../src/rows.ts'
import { select } from '../src/select.ts'
import { apply, problems, recordType, run, stepContext } from './step.ts'

const input = recordType({ a: 'string', b: 'integer?', c: 'boolean' })
const row = { a: 'x', b: 5, c: true }

describe('select', () => {
  it('keeps the named fields, in their order, with new names', () => {
    const out = run(select, ['c', { size: 'b', name: 'a' }], input, [row])
    expect(Object.entries(out.rows[0]!)).toEqual([
      ['c', true],
      ['size', 5],
      ['name', 'x'],
    ])
    expect(out.type).toBe('{ c: boolean, size: integer?, name: string }')
    expect(out.applied.origins).toBe(undefined)
  })

  it('may output one field twice under two names', () => {
    expect(run(select, ['a', { again: 'a' }], input, [row]).rows).toEqual([{ a: 'x', again: 'x' }])
  })

  it('reads absent fields as null, also those whose names every object inherits', () => {
    const odd = recordType({ constructor: 'string?', toString: 'string?' })
    expect(run(select, ['constructor', { b: 'toString' }], odd, [{}]).rows).toEqual([{ constructor: null, b: null }])
  })

  it('omits fields that are not named', () => {
    const out = run(select, ['a'], recordType({ a: 'string' }, true), [{ a: 'x', more: 1 }])
    expect(out.rows).toEqual([{ a: 'x' }])
    expect(out.type).toBe('{ a: string }')
  })

  it('reports what is wrong with its config', () => {
    expect(problems(select, ['A', { new: 'd' }], input)).toEqual([
      'unknown_field 0: the records have no field `A` here',
      'unknown_field 1.new: the records have no field `d` here',
    ])
    expect(select.infer(['A'], stepContext(input)).problems[0]).toMatchObject({ hint: 'did you mean `a`?' })
    expect(select.infer(['elsewhere'], stepContext(input)).problems[0]).toMatchObject({
      hint: 'there are: `a`, `b`, `c`',
    })
    expect(problems(select, ['a', 'a'], input)).toEqual(['duplicate_field 1: there would be two fields `a`'])
    expect(problems(select, ['a', { a: 'b' }], input)).toEqual([
      'duplicate_field 1.a (key): there would be two fields `a`',
    ])
    expect(problems(select, [{ '': 'a' }], input)).toEqual(['bad_field_name 0. (key): a field needs a name'])
    expect(problems(select, [], input)).toEqual(['bad_value : `select` lists no fields'])
  })
})

describe('drop', () => {
  it('omits the named fields', () => {
    const out = run(drop, ['b'], input, [row])
    expect(out.rows).toEqual([{ a: 'x', c: true }])
    expect(out.type).toBe('{ a: string, c: boolean }')
  })

  it('keeps fields that the schema does not name', () => {
    const out = run(drop, ['a'], recordType({ a: 'string', b: 'string' }, true), [{ a: 'x', more: 1, b: 'y' }])
    expect(out.rows).toEqual([{ b: 'y', more: 1 }])
    expect(out.type).toBe('{ b: string, ... }')
  })

  it('reports what is wrong with its config', () => {
    expect(problems(drop, ['d', 'a', 'a'], input)).toEqual([
      'unknown_field 0: the records have no field `d` here',
      'duplicate_field 2: `a` is listed twice',
    ])
  })
})

describe('generated rows', () => {
  it('match those of the interpreted maker', () => {
    const name = fc.constantFrom('a', 'b', '__proto__', 'constructor', 'with "quotes"', 'line\u2028end', '')
    const column = fc.tuple(name, fc.oneof(name, fc.nat(2)))
    fc.assert(
      fc.property(fc.array(column, { minLength: 1 }), fc.dictionary(name, fc.integer()), (columns, given) => {
        const values = ['v0', 'v1', 'v2']
        const made = rowMaker(columns, input, false)(given, values)
        expect(Object.entries(made)).toEqual(Object.entries(interpretedMaker(columns)(given, values)))
        expect(Object.getPrototypeOf(made)).toBe(Object.prototype)
      }),
    )
  })
})

describe('pushed into a source', () => {
  const type = recordType({ InvoiceNo: 'string', InvoiceDate: 'string', Country: 'string', Quantity: 'integer' })
  const all: Push['columns'] = Object.keys(type.fields).map((name) => ({ name, from: name }))

  it('is impossible for columns that the source does not provide', () => {
    expect(run(select, ['a'], input, []).inference.push!(all, 's')).toBe(undefined)
  })

  it('is impossible where a date would be left unread, since a bad one must fail its record', () => {
    const columns = run(parseDates, { InvoiceDate: 'iso' }, type, []).inference.push!(all, 'dates')!
    expect(run(select, ['InvoiceNo'], type, []).inference.push!(columns, 's')).toBe(undefined)
    expect(run(drop, ['InvoiceDate'], type, []).inference.push!(columns, 's')).toBe(undefined)
    expect(run(drop, ['Country'], type, []).inference.push!(columns, 's')).toHaveLength(3)
  })

  it('yields the same rows as the steps one after the other', () => {
    const { push: selected } = run(
      select,
      [{ at: 'InvoiceDate' }, 'InvoiceNo', { land: 'Country' }, { again: 'Country' }],
      type,
      [],
    ).inference
    const afterSelect = recordType({ at: 'string', InvoiceNo: 'string', land: 'string', again: 'string' })
    const rule = { at: { formats: ['M/d/yyyy H:mm'], to: 'yyyy-MM-dd', zone: 'UTC' } }
    const dated = run(parseDates, rule, afterSelect, [])
    const dropped = run(drop, ['again'], afterSelect, [])
    const columns = dropped.inference.push!(dated.inference.push!(selected!(all, 'one')!, 'two')!, 'three')
    expect(columns).toEqual([
      {
        name: 'at',
        from: 'InvoiceDate',
        date: { step: 'two', formats: ['M/d/yyyy H:mm'], zone: 'UTC', to: 'yyyy-MM-dd', field: 'at', order: 0 },
      },
      { name: 'InvoiceNo', from: 'InvoiceNo' },
      { name: 'land', from: 'Country' },
    ])
    const rows = [{ InvoiceNo: '1', InvoiceDate: '12/1/2010 8:26', Country: 'France', Quantity: 1 }]
    const one = run(select, [{ at: 'InvoiceDate' }, 'InvoiceNo', { land: 'Country' }, { again: 'Country' }], type, rows)
    const three = apply(dropped.transform, apply(dated.transform, one.rows).rows)
    expect(three.rows).toEqual([{ at: '2010-12-01', InvoiceNo: '1', land: 'France' }])
    expect(recordText(dropped.inference.output!)).toBe('{ at: string, InvoiceNo: string, land: string }')
  })
})
