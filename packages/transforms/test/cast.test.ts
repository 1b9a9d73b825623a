import { describe, expect, it } from 'vitest'
import { cast } from '../src/cast/index.ts'
import { problems, recordType, run } from './step.ts'

/** One value cast; the code where it is refused. */
function one(from: string, to: Parameters<typeof cast.infer>[0][string], value: unknown): unknown {
  const out = run(cast, { x: to }, recordType({ x: from }), [{ x: value }])
  return out.failed.length ? `${out.failed[0]!.code} ${out.failed[0]!.field}` : out.rows[0]!['x']
}
const exact = { fold: undefined, fraction: undefined } as const
const dates = (to: string, formats: string | string[], zone = 'UTC') => ({ to, formats, zone, ...exact })

describe('cast', () => {
  it.each([
    ['timestamp(9)', 'timestamp', 5_999_999n, 5],
    ['timestamp(9)', 'timestamp(6)', -1n, -1n],
    ['timestamp(6)', 'timestamp', -1n, -1],
  ])('cuts off digits of %s to %s where that is declared, before 1970 too', (from, to, value, result) => {
    expect(one(from, { ...dates(to, []), fraction: 'truncate' }, value)).toBe(result)
  })

  it.each<[string, string, unknown, unknown]>([
    ['string', 'integer', '-5', -5],
    ['string', 'bigint', '9007199254740993', 9007199254740993n],
    ['string', 'number', '1.5', 1.5],
    ['string', 'decimal(10,2)', '1.5', '1.50'],
    ['string', 'boolean', 'True', true],
    ['string', 'date', '2010-12-01', '2010-12-01'],
    ['string', 'timestamp', '1970-01-01T00:00:01Z', 1000],
    ['string', 'json', '{"a":1}', { a: 1 }],
    ['string', 'list<integer>', '[1,2]', [1, 2]],
    ['integer', 'string', 5, '5'],
    ['integer', 'number', 5, 5],
    ['integer', 'bigint', 5, 5n],
    ['integer', 'decimal(10,2)', 5, '5.00'],
    ['bigint', 'integer', 5n, 5],
    ['bigint', 'number', 2n ** 62n, 2 ** 62],
    ['bigint', 'decimal(20,1)', 5n, '5.0'],
    ['bigint', 'string', 5n, '5'],
    ['number', 'integer', 5, 5],
    ['number', 'decimal(10,2)', 2.55, '2.55'],
    ['number', 'bigint', 5, 5n],
    ['decimal(10,2)', 'integer', '-5.00', -5],
    ['decimal(10,2)', 'bigint', '5.00', 5n],
    ['decimal(10,2)', 'number', '-5.25', -5.25],
    ['decimal(10,2)', 'decimal(5,1)', '5.20', '5.2'],
    ['decimal(10,2)', 'string', '5.20', '5.20'],
    ['string', 'time', '08:26', '08:26:00'],
    ['time', 'string', '08:26:00.5', '08:26:00.5'],
    ['string', 'timestamp(6)', '1970-01-01T00:00:00.000001Z', 1n],
    ['timestamp', 'timestamp(6)', -1, -1000n],
    ['timestamp(6)', 'timestamp(9)', 1n, 1000n],
    ['timestamp(9)', 'timestamp(6)', -2000n, -2n],
    ['timestamp(9)', 'timestamp', 5_000_000n, 5],
    ['timestamp(9)', 'timestamp', 5_000_001n, 'out_of_range x'],
    ['timestamp(6)', 'timestamp(9)', 2n ** 62n, 'out_of_range x'],
    ['timestamp(6)', 'date', -1n, '1969-12-31'],
    ['timestamp(6)', 'string', 1n, '1970-01-01T00:00:00.000001Z'],
    ['timestamp(6)', 'bigint', 7n, 7n],
    ['timestamp(6)', 'json', 1n, '1970-01-01T00:00:00.000001Z'],
    ['boolean', 'string', true, 'true'],
    ['timestamp', 'string', 1000, '1970-01-01T00:00:01.000Z'],
    ['timestamp', 'date', 86_399_999, '1970-01-01'],
    ['timestamp', 'integer', 1000, 1000],
    ['date', 'timestamp', '1970-01-02', 86_400_000],
    ['json', 'integer', 5, 5],
    ['json', 'list<integer>', [5], [5]],
    ['list<bigint>', 'json', [5n], ['5']],
    ['list<string>', 'list<integer>', ['5', '6'], [5, 6]],
    ['list<string?>', 'list<integer?>', ['5', null], [5, null]],
    ['map<string?>', 'map<integer?>', { a: '5', '10': null }, { a: 5, '10': null }],
    ['map<bigint>', 'json', { a: 5n }, { a: '5' }],
    ['json', 'map<integer>', { a: 5 }, { a: 5 }],
    ['string', 'map<map<date>>', '{"a":{"b":"2024-02-29"}}', { a: { b: '2024-02-29' } }],
    ['integer', 'integer', 5, 5],
  ])('%s to %s: %o', (from, to, value, expected) => {
    expect(one(from, to, value)).toEqual(expected)
  })

  it.each<[string, string, unknown, string]>([
    ['string', 'integer', '5.0', 'not_integer x'],
    ['string', 'timestamp', '1970-01-01', 'bad_date x'],
    ['bigint', 'integer', 2n ** 60n, 'out_of_range x'],
    ['bigint', 'number', 2n ** 62n + 1n, 'out_of_range x'],
    ['number', 'integer', 5.5, 'not_integer x'],
    ['number', 'decimal(10,1)', 2.55, 'out_of_range x'],
    ['decimal(10,2)', 'integer', '5.01', 'not_integer x'],
    ['decimal(20,2)', 'number', '123456789012345.67', 'out_of_range x'],
    ['decimal(10,2)', 'decimal(3,2)', '12.34', 'out_of_range x'],
    ['integer', 'decimal(3,2)', 12, 'out_of_range x'],
    ['json', 'integer', null, 'null'],
    ['json', 'list<integer>', [1, 'y'], 'not_integer x[1]'],
    ['list<string>', 'list<integer>', ['5', 'y'], 'not_integer x[1]'],
    ['map<string>', 'map<integer>', { a: '5', b: 'y' }, 'not_integer x.b'],
  ])('%s to %s refuses %o', (from, to, value, expected) => {
    expect(String(one(from, to, value))).toBe(expected)
  })

  it('reads and writes dates in declared formats, on the clock of a zone', () => {
    const twice = dates('timestamp', 'yyyy-MM-dd HH:mm', 'Europe/Berlin')
    expect(one('string', { ...twice, fold: 'later' }, '2024-10-27 02:30')).toBe(Date.UTC(2024, 9, 27, 1, 30))
    expect(one('string', { ...dates('timestamp', 'iso'), fraction: 'truncate' }, '1970-01-01T00:00:00.0019Z')).toBe(1)
    expect(one('string', dates('timestamp', 'M/d/yyyy H:mm', 'Europe/Berlin'), '7/1/2010 8:26')).toBe(
      Date.UTC(2010, 6, 1, 6, 26),
    )
    expect(one('string', dates('date', ['iso', 'M/d/yyyy']), '7/1/2010')).toBe('2010-07-01')
    expect(one('string', dates('date', ['M/d/yyyy']), '30/1/2010')).toBe('bad_date x')
    expect(one('integer', dates('timestamp', 'epoch_s'), 1)).toBe(1000)
    expect(one('bigint', dates('date', 'epoch_ms'), 86_400_000n)).toBe('1970-01-02')
    expect(one('timestamp', { to: 'date', formats: undefined, zone: 'Asia/Tokyo', ...exact }, 54_000_000)).toBe(
      '1970-01-02',
    )
  })

  it('keeps null, the position of the field, whether it is optional, and fields that the schema does not name', () => {
    const out = run(cast, { b: 'integer' }, recordType({ a: 'string', b: 'string?', c: 'string' }, true), [
      { a: '1', c: '3', more: 4 },
    ])
    expect(Object.entries(out.rows[0]!)).toEqual([
      ['a', '1'],
      ['b', null],
      ['c', '3'],
      ['more', 4],
    ])
    expect(out.type).toBe('{ a: string, b: integer?, c: string, ... }')
  })

  it('makes maps of objects, field by field', () => {
    const wide = recordType({ x: { fields: { a: 'string', b: 'integer?', constructor: 'integer' } } })
    const out = run(cast, { x: 'map<integer?>' }, wide, [{ x: { a: '1', b: null, constructor: 3 } }, { x: { a: 'y' } }])
    expect(out.rows).toEqual([{ x: { a: 1, b: null, constructor: 3 } }])
    expect(out.failed).toMatchObject([{ i: 1, code: 'not_integer', field: 'x.a' }])
    expect(out.type).toBe('{ x: map<integer?> }')
    expect(problems(cast, { x: 'map<integer>' }, wide)).toEqual([
      'wrong_type x: `x`: b: items of type integer? may be null, integer may not',
    ])
  })

  it('fails records individually', () => {
    const out = run(cast, { x: 'integer' }, recordType({ x: 'string' }), [{ x: '1' }, { x: 'one' }, { x: '3' }])
    expect(out.rows).toEqual([{ x: 1 }, { x: 3 }])
    expect(out.origins).toEqual([0, 2])
    expect(out.failed).toEqual([{ i: 1, code: 'not_integer', field: 'x', message: '"one" is not a whole number' }])
  })

  it('reports what is wrong with its config', () => {
    const typed = recordType({
      s: 'string',
      i: 'integer',
      b: 'boolean',
      at: 'timestamp',
      l: 'list<integer?>',
      o: { fields: { a: 'string' } },
    })
    const wrong = (config: Parameters<typeof cast.infer>[0]) => problems(cast, config, typed)
    expect(wrong({ x: 'integer' })).toEqual(['unknown_field x (key): the records have no field `x` here'])
    expect(wrong({ s: 'int' })).toEqual(['bad_type s: `int` is not a type'])
    expect(wrong({ s: dates('int', []) })).toEqual(['bad_type s.to: `int` is not a type'])
    expect(wrong({ s: dates('date', 'dd/mm/yyyy', 'Berlin') }).map((text) => text.split(':')[0])).toEqual([
      'bad_date_format s.formats',
      'unknown_zone s.zone',
    ])
    expect(wrong({ b: 'integer' })).toEqual(['wrong_type b: `b`: boolean cannot become integer'])
    expect(wrong({ i: 'timestamp' })).toEqual(['wrong_type i: `i`: the unit of the number is missing'])
    expect(wrong({ i: dates('timestamp', 'M/d/yyyy') })).toEqual([
      'wrong_type i.to: `i`: only `epoch_s` and `epoch_ms` read numbers',
    ])
    expect(wrong({ s: dates('integer', 'iso') })).toEqual([
      'wrong_type s.to: `s`: `formats` are date formats; string to integer needs none',
    ])
    expect(wrong({ o: 'string' })).toEqual(['wrong_type o: `o`: { a: string } cannot become string'])
    expect(wrong({ l: 'list<number>' })).toEqual([
      'wrong_type l: `l`: items of type integer? may be null, number may not',
    ])
    expect(wrong({ at: 'boolean' })).toEqual(['wrong_type at: `at`: timestamp cannot become boolean'])
  })
})
