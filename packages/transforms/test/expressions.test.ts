import { describe, expect, it } from 'vitest'
import { recordText } from '@millrace/core'
import { route } from '../src/route.ts'
import { set } from '../src/set.ts'
import { where } from '../src/where.ts'
import { problems, recordType, run, stepContext } from './step.ts'

const input = recordType({ no: 'string', quantity: 'integer', price: 'number', customer: 'integer?' })
const row = (no: string, quantity: number, price = 1, customer: number | null = null) => ({
  no,
  quantity,
  price,
  customer,
})
const rows = [row('a', 0), row('b', 5), row('c', -1, 2, 7), row('d', 200, 3)]
const nos = (list: readonly Readonly<Record<string, unknown>>[]) => list.map((r) => r['no'])

describe('where', () => {
  it('keeps the records for which the condition holds, with their origins', () => {
    const out = run(where, 'quantity > 0', input, rows)
    expect(nos(out.rows)).toEqual(['b', 'd'])
    expect(out.origins).toEqual([1, 3])
    expect(out.failed).toEqual([])
  })

  it('passes on the very same array where all pass, and nothing where none does', () => {
    const all = run(where, 'no != "x"', input, rows)
    expect(all.rows).toEqual(rows)
    expect(all.applied.origins).toBe(undefined)
    expect(run(where, 'no == "x"', input, rows).rows).toEqual([])
    expect(run(where, 'quantity >= 0', input, rows.slice(0, 3)).origins).toEqual([0, 1])
  })

  it('makes fields required that it proves not to be null', () => {
    const out = run(where, 'customer != null && quantity < 0', input, rows)
    expect(out.type).toBe('{ no: string, quantity: integer, price: number, customer: integer }')
    expect(nos(out.rows)).toEqual(['c'])
  })

  it('fails a record for which the condition cannot be evaluated', () => {
    const out = run(where, '1 / quantity > 0', input, rows)
    expect(nos(out.rows)).toEqual(['b', 'd'])
    expect(out.origins).toEqual([1, 3])
    expect(out.failed).toMatchObject([{ i: 0, code: 'division_by_zero' }])
  })

  it('leaves rows with fields that the schema does not name unchanged', () => {
    const open = recordType({ a: 'integer' }, true)
    const out = run(where, 'a > 1', open, [{ a: 1 }, { a: 2, more: 3 }])
    expect(out.rows).toEqual([{ a: 2, more: 3 }])
    expect(out.type).toBe('{ a: integer, ... }')
  })

  it('reports what is wrong with its condition, at the exact characters', () => {
    expect(where.infer('Quantity > 0', stepContext(input)).problems).toMatchObject([
      { code: 'unknown_field', at: [], span: [0, 8] },
    ])
    expect(problems(where, 'quantity + 1', input)).toEqual(['wrong_type : a condition must be true or false'])
    expect(problems(where, 'customer > 5', input)).toHaveLength(1)
    expect(problems(where, 'flag', recordType({ flag: 'boolean?' }))).toEqual([
      'maybe_null : this condition may be null, which is neither true nor false',
    ])
  })
})

describe('route', () => {
  it('sends each record to the first output whose condition holds', () => {
    const out = run(route, { big: 'quantity > 100', some: 'quantity > 0', else: 'rest' }, input, rows)
    expect(out.rows).toEqual([])
    expect(Object.entries(out.sideOutputs).map(([name, side]) => [name, nos(side.rows), side.origins])).toEqual([
      ['big', ['d'], [3]],
      ['some', ['b'], [1]],
      ['rest', ['a', 'c'], [0, 2]],
    ])
    expect(out.inference.output).toBe(undefined)
  })

  it('filters out records that match nothing where there is no else', () => {
    const out = run(route, { big: 'quantity > 100' }, input, rows)
    expect(nos(out.sideOutputs['big']!.rows)).toEqual(['d'])
    expect(out.failed).toEqual([])
  })

  it('types each output by its own condition', () => {
    const { sideOutputs } = run(route, { known: 'customer != null', else: 'rest' }, input, []).inference
    expect(recordText(sideOutputs!['known']!)).toContain('customer: integer }')
    expect(recordText(sideOutputs!['rest']!)).toContain('customer: integer? }')
  })

  it('fails a record for which a condition cannot be evaluated', () => {
    const out = run(route, { half: '10 / quantity == 2', else: 'rest' }, input, rows)
    expect(out.failed).toMatchObject([{ i: 0, code: 'division_by_zero' }])
    expect(nos(out.sideOutputs['rest']!.rows)).toEqual(['c', 'd'])
  })

  it('reports what is wrong with its config', () => {
    expect(problems(route, { else: 'rest' }, input)).toEqual(['bad_value : `route` has no output with a condition'])
    expect(problems(route, { 'a b': 'quantity > 1' }, input)).toEqual([
      'bad_name a b (key): `a b` is not a valid name for an output',
    ])
    expect(problems(route, { a: 'quantity > 1', else: 'quantity > 2' }, input)).toEqual([
      'bad_name else: `quantity > 2` is not a valid name for an output',
    ])
    expect(problems(route, { a: 'quantity > 1', else: 'a' }, input)).toEqual([
      'duplicate_id else: `a` has a condition, so it cannot take all others as well',
    ])
    expect(problems(route, { a: 'quantity' }, input)).toEqual(['wrong_type a: a condition must be true or false'])
  })
})

describe('set', () => {
  it('appends new fields and replaces others in place', () => {
    const out = run(set, { total: 'quantity * price', no: 'upper(no)' }, input, [row('b', 5, 2.5)])
    expect(Object.entries(out.rows[0]!)).toEqual([
      ['no', 'B'],
      ['quantity', 5],
      ['price', 2.5],
      ['customer', null],
      ['total', 12.5],
    ])
    expect(out.type).toBe('{ no: string, quantity: integer, price: number, customer: integer?, total: number }')
  })

  it('shows every expression the record as it arrived', () => {
    const out = run(set, { price: 'price + 1.0', before: 'price' }, input, [row('b', 5, 2)])
    expect(out.rows[0]).toMatchObject({ price: 3, before: 2 })
  })

  it('sets constants, of the existing type or another', () => {
    const config = {
      a: { value: 'retail' },
      b: { value: 3 },
      c: { value: 1.5 },
      d: { value: true },
      e: { value: '2010-12-01', type: 'date' },
      f: { value: [1] },
    }
    const out = run(set, config, recordType({}), [{}])
    expect(out.rows).toEqual([{ a: 'retail', b: 3, c: 1.5, d: true, e: '2010-12-01', f: [1] }])
    expect(out.type).toBe('{ a: string, b: integer, c: number, d: boolean, e: date, f: json }')
  })

  it('fails a record whose value cannot be evaluated, and names the field', () => {
    const out = run(set, { share: '1 / quantity' }, input, rows)
    expect(out.origins).toEqual([1, 2, 3])
    expect(out.failed).toMatchObject([{ i: 0, code: 'division_by_zero', field: 'share' }])
  })

  it('keeps fields that the schema does not name, unless it sets them', () => {
    const out = run(set, { b: 'a + 1', more: { value: 0 } }, recordType({ a: 'integer' }, true), [
      { a: 1, more: 5, other: 6 },
    ])
    expect(out.rows).toEqual([{ a: 1, b: 2, more: 0, other: 6 }])
  })

  it('reports what is wrong with its config', () => {
    expect(problems(set, { x: 'quantty' }, input)).toHaveLength(1)
    expect(set.infer({ x: 'retail' }, stepContext(input)).problems).toMatchObject([
      { code: 'unknown_field', at: ['x'], span: [0, 6] },
    ])
    expect(problems(set, { x: { value: null } }, input)).toEqual(['bad_value x.value: the constant of `x` is empty'])
    expect(problems(set, { x: { value: 1, type: 'int' } }, input)).toEqual(['bad_type x.type: `int` is not a type'])
    expect(problems(set, { x: { value: 'y', type: 'integer' } }, input)).toEqual([
      'wrong_type x.value: the constant of `x`: "y" is not a whole number',
    ])
    expect(problems(set, { '': 'quantity' }, input)).toEqual(['bad_field_name  (key): a field needs a name'])
  })
})
