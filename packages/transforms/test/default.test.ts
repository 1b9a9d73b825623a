import { describe, expect, it } from 'vitest'
import { defaults } from '../src/default.ts'
import { problems, recordType, run } from './step.ts'

const input = recordType({
  Country: 'string?',
  Quantity: 'integer?',
  price: 'decimal(10,2)?',
  at: 'timestamp?',
  tags: 'list<string>?',
})
const full = { Country: 'France', Quantity: 1, price: '1.00', at: 0, tags: [] }

describe('default', () => {
  it('sets null and absent fields to a constant of their type', () => {
    const config = { Country: 'unknown', Quantity: 0, price: 2.5, at: '2010-12-01T00:00:00Z', tags: ['none'] }
    const out = run(defaults, config, input, [full, { Country: null }])
    expect(out.rows).toEqual([
      full,
      { Country: 'unknown', Quantity: 0, price: '2.50', at: Date.UTC(2010, 11, 1), tags: ['none'] },
    ])
    expect(out.type).toBe(
      '{ Country: string, Quantity: integer, price: decimal(10,2), at: timestamp, tags: list<string> }',
    )
  })

  it('passes on the very same rows where nothing is missing', () => {
    const rows = [full]
    expect(run(defaults, { Country: 'unknown' }, input, rows).rows[0]).toBe(full)
  })

  it('leaves existing values unchanged, including empty ones', () => {
    const out = run(defaults, { Country: 'unknown', Quantity: 5 }, input, [{ ...full, Country: '', Quantity: 0 }])
    expect(out.rows[0]).toMatchObject({ Country: '', Quantity: 0 })
  })

  it('keeps fields that the schema does not name', () => {
    const out = run(defaults, { a: 1 }, recordType({ a: 'integer?' }, true), [{ more: 2 }])
    expect(out.rows).toEqual([{ a: 1, more: 2 }])
  })

  it('reports what is wrong with its config', () => {
    expect(problems(defaults, { Contry: 'x' }, input)).toEqual([
      'unknown_field Contry (key): the records have no field `Contry` here',
    ])
    expect(problems(defaults, { Country: 5, Quantity: '5', at: 'today' }, input)).toEqual([
      'wrong_type Country: the default of `Country`: 5 is not text',
      'wrong_type Quantity: the default of `Quantity`: "5" is not a whole number',
      'wrong_type at: the default of `at`: "today" is not a date: expected iso',
    ])
  })
})
