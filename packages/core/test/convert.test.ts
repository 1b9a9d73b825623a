import { deepStrictEqual } from 'node:assert/strict'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { interpretedRow } from '../src/convert/from-json.ts'
import {
  DataError,
  type FieldFailure,
  fromJson,
  fromText,
  isDateText,
  parseType,
  type Row,
  rowFromJson,
  toJson,
  toText,
  type Type,
} from '../src/index.ts'

const type = (text: string): Type => parseType(text)!.type
const read = (typeName: string, text: string) => fromText(type(typeName))(text)
const code = (run: () => unknown): string | undefined => {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof DataError) return error.code
    throw error
  }
}

describe('text is converted to a value of its type', () => {
  it.each<[string, string, unknown]>([
    ['string', '', ''],
    ['boolean', 'True', true],
    ['boolean', 'false', false],
    ['integer', '-80995', -80995],
    ['integer', '+7', 7],
    ['integer', '007', 7],
    ['integer', '-0', 0],
    ['integer', '9007199254740991', 9007199254740991],
    ['bigint', '9007199254740993', 9007199254740993n],
    ['bigint', '-9223372036854775808', -(2n ** 63n)],
    ['bigint', '+0005', 5n],
    ['number', '-11062.06', -11062.06],
    ['number', '.5', 0.5],
    ['number', '5.', 5],
    ['number', '1e3', 1000],
    ['decimal(10,2)', '12.3', '12.30'],
    ['decimal(10,2)', '+0012.3000', '12.30'],
    ['decimal(10,2)', '-0.00', '0.00'],
    ['decimal(10,2)', '-0.01', '-0.01'],
    ['decimal(4,0)', '0', '0'],
    ['decimal(3,3)', '0.125', '0.125'],
    ['decimal(38,10)', '1234567890123456789012345678.0123456789', '1234567890123456789012345678.0123456789'],
    ['date', '2012-02-29', '2012-02-29'],
    ['timestamp', '2010-12-01T08:26:00Z', Date.UTC(2010, 11, 1, 8, 26)],
    ['timestamp', '2010-12-01T08:26+01:00', Date.UTC(2010, 11, 1, 7, 26)],
    ['timestamp', '2010-12-01T08:26:00.5-0500', Date.UTC(2010, 11, 1, 13, 26, 0, 500)],
    ['time', '08:26', '08:26:00'],
    ['time', '08:26:00', '08:26:00'],
    ['time', '23:59:59.120000000', '23:59:59.12'],
    ['time', '00:00:00,000001', '00:00:00.000001'],
    ['timestamp(3)', '2010-12-01T08:26:00.001Z', Date.UTC(2010, 11, 1, 8, 26, 0, 1)],
    ['timestamp(6)', '2010-12-01T08:26:00Z', 1291191960000000n],
    ['timestamp(6)', '2010-12-01T08:26:00.000001+00:00', 1291191960000001n],
    ['timestamp(6)', '1969-12-31T23:59:59.999999Z', -1n],
    ['timestamp(6)', '2010-12-01T08:26:00.1234560Z', 1291191960123456n],
    ['timestamp(9)', '2010-12-01T08:26:00.123456789Z', 1291191960123456789n],
    ['timestamp(9)', '1970-01-01T01:00:00.5+01:00', 500_000_000n],
    ['bytes', 'aGk=', new Uint8Array([104, 105])],
    ['list<integer>', '[1, 2]', [1, 2]],
    ['json', '{"a":[1,null]}', { a: [1, null] }],
  ])('%s %j', (typeName, text, value) => {
    expect(read(typeName, text)).toEqual(value)
  })

  it.each<[string, string, string]>([
    ['boolean', 'yes', 'not_boolean'],
    ['boolean', '', 'not_boolean'],
    ['integer', '', 'not_integer'],
    ['integer', ' 1', 'not_integer'],
    ['integer', '1.0', 'not_integer'],
    ['integer', '1e3', 'not_integer'],
    ['integer', '-', 'not_integer'],
    ['integer', '0x10', 'not_integer'],
    ['integer', '9007199254740992', 'out_of_range'],
    ['bigint', '9223372036854775808', 'out_of_range'],
    ['bigint', '1'.repeat(1_000_000), 'out_of_range'],
    ['bigint', '1n', 'not_integer'],
    ['number', 'NaN', 'not_number'],
    ['number', 'Infinity', 'not_number'],
    ['number', '.', 'not_number'],
    ['number', '1e', 'not_number'],
    ['number', '1,5', 'not_number'],
    ['number', '0x10', 'not_number'],
    ['number', '1e400', 'out_of_range'],
    ['decimal(10,2)', '1.005', 'out_of_range'],
    ['decimal(4,2)', '100', 'out_of_range'],
    ['decimal(4,2)', '1.', 'bad_decimal'],
    ['decimal(4,2)', '.5', 'bad_decimal'],
    ['decimal(4,2)', '1e1', 'bad_decimal'],
    ['date', '2011-02-29', 'bad_date'],
    ['date', '2011-2-2', 'bad_date'],
    ['date', '0000-01-01', 'bad_date'],
    ['timestamp', '2010-12-01T08:26:00', 'bad_date'],
    ['timestamp', '2010-12-01', 'bad_date'],
    ['timestamp', '2010-12-01T24:00:00Z', 'bad_date'],
    ['timestamp', '2010-12-01T08:26:00.0005Z', 'bad_date'],
    ['time', '24:00', 'bad_time'],
    ['time', '8:26', 'bad_time'],
    ['time', '23:59:60', 'bad_time'],
    ['time', '08:26:00Z', 'bad_time'],
    ['time', '08:26:00.0000001', 'out_of_range'],
    ['timestamp(6)', '2010-12-01T08:26:00.000001', 'bad_date'],
    ['timestamp(6)', '2010-12-01T08:26:00.0000001Z', 'out_of_range'],
    ['timestamp(6)', '2010-02-30T08:26:00.000001Z', 'bad_date'],
    ['timestamp(9)', '2263-01-01T00:00:00Z', 'out_of_range'],
    ['bytes', 'aGk', 'bad_bytes'],
    ['bytes', 'a*k=', 'bad_bytes'],
    ['list<integer>', '{}', 'not_list'],
    ['list<integer>', '[1', 'bad_json'],
  ])('%s refuses %j with %s', (typeName, text, expected) => {
    expect(code(() => read(typeName, text))).toBe(expected)
  })

  it('quotes the value in its message, truncated if it is long', () => {
    expect(() => read('integer', 'abc')).toThrow('"abc" is not a whole number')
    expect(() => read('integer', 'x'.repeat(5000))).toThrow(/^"x{59}\.\.\. \(5002 characters\) is not a whole number$/)
  })
})

describe('JSON is converted to a value of its type', () => {
  it.each<[string, unknown, unknown]>([
    ['integer', 1e3, 1000],
    ['integer', -0, 0],
    ['bigint', '9007199254740993', 9007199254740993n],
    ['bigint', 5, 5n],
    ['decimal(10,2)', 2.55, '2.55'],
    ['decimal(10,2)', -3, '-3.00'],
    ['decimal(10,7)', 1e-7, '0.0000001'],
    ['decimal(30,0)', 1e21, '1000000000000000000000'],
    ['decimal(38,2)', '123456789012345678901234567890.12', '123456789012345678901234567890.12'],
    ['timestamp', '2010-12-01T08:26:00Z', Date.UTC(2010, 11, 1, 8, 26)],
    ['list<integer?>', [1, null], [1, null]],
  ])('%s %j', (typeName, json, value) => {
    expect(fromJson(type(typeName))(json)).toEqual(value)
  })

  it.each<[string, unknown, string]>([
    ['string', 5, 'not_string'],
    ['string', null, 'missing_value'],
    ['boolean', 'true', 'not_boolean'],
    ['integer', '5', 'not_integer'],
    ['integer', 5.5, 'not_integer'],
    ['integer', 2 ** 53, 'out_of_range'],
    ['bigint', 2 ** 53, 'out_of_range'],
    ['bigint', 5.5, 'not_integer'],
    ['number', '5', 'not_number'],
    ['decimal(30,20)', 0.1 + 0.2, 'out_of_range'],
    ['decimal(10,2)', true, 'bad_decimal'],
    ['timestamp', 1291191960000, 'bad_date'],
    ['date', 20101201, 'bad_date'],
    ['time', 826, 'bad_time'],
    ['timestamp(6)', 1291191960000000, 'bad_date'],
    ['bytes', 5, 'bad_bytes'],
  ])('%s refuses %j with %s', (typeName, json, expected) => {
    expect(code(() => fromJson(type(typeName))(json))).toBe(expected)
  })
})

describe('a JSON object is converted to a row', () => {
  const record = {
    fields: { id: parseType('integer')!, name: parseType('string?')!, tags: parseType('list<integer>?')! },
  }

  it('has all fields in the order of the type, null where they are absent', () => {
    const row = rowFromJson(record, 'drop')({ tags: [1], id: 5 })
    expect(row).toEqual({ id: 5, name: null, tags: [1] })
    expect(Object.keys(row)).toEqual(['id', 'name', 'tags'])
  })

  it('has a single zero among integers', () => {
    expect(Object.is((rowFromJson(record, 'drop')({ id: -0 }) as Row)['id'], 0)).toBe(true)
  })

  it('reports every failure with the path of its field', () => {
    const failures = rowFromJson(record, 'drop')({ id: 'x', tags: [1, 'y'] }) as FieldFailure[]
    expect(failures.map(({ code, field }) => [code, field])).toEqual([
      ['not_integer', 'id'],
      ['not_integer', 'tags[1]'],
    ])
  })

  it('drops, refuses or keeps fields that the type does not name', () => {
    const object = JSON.parse('{"id":1,"more":true,"__proto__":{"x":1}}') as Record<string, unknown>
    expect(rowFromJson(record, 'drop')(object)).toEqual({ id: 1, name: null, tags: null })
    expect((rowFromJson(record, 'error')(object) as FieldFailure[]).map((failure) => failure.field)).toEqual([
      'more',
      '__proto__',
    ])
    const kept = rowFromJson({ ...record, open: true }, 'keep')(object)
    expect(Object.keys(kept)).toEqual(['id', 'name', 'tags', 'more', '__proto__'])
    expect(Object.getPrototypeOf(kept)).toBe(Object.prototype)
  })

  it('does not mistake what every object inherits for a field', () => {
    const row = rowFromJson(
      { fields: { constructor: parseType('string?')!, toString: parseType('json?')! } },
      'drop',
    )({})
    expect(Object.entries(row)).toEqual([
      ['constructor', null],
      ['toString', null],
    ])
  })

  it('reads objects inside objects, and reports the path', () => {
    const nested = { fields: { address: { type: { kind: 'object', record } as const, optional: false } } }
    expect(rowFromJson(nested, 'drop')({ address: { id: 1 } })).toEqual({ address: { id: 1, name: null, tags: null } })
    expect(rowFromJson(nested, 'drop')({ address: { id: 1, tags: ['x'] } })).toEqual([
      { code: 'not_integer', field: 'address.tags[0]', message: '"x" is not a whole number' },
    ])
    expect((rowFromJson(nested, 'drop')({}) as FieldFailure[])[0]).toMatchObject({
      code: 'missing_value',
      field: 'address',
    })
  })
})

it('reads the same rows with and without generated code', () => {
  const names = ['a', 'b', 'constructor', '__proto__', 'with "quotes"', 'line\u2028end']
  const field = fc.constantFrom(
    'string',
    'integer?',
    'number',
    'boolean?',
    'bigint',
    'decimal(5,2)?',
    'date',
    'timestamp?',
    'list<integer>',
    'json?',
    'bytes?',
  )
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      undefined,
      '',
      'x',
      '5',
      '2012-02-29',
      '2010-12-01T08:26:00Z',
      'aGk=',
      -0,
      5,
      2.5,
      2 ** 60,
      true,
      [1],
      ['x'],
      {},
    ),
    fc.jsonValue(),
  )
  const object = fc.dictionary(fc.constantFrom(...names), value)
  const record = fc.dictionary(fc.constantFrom(...names.filter((name) => name !== '__proto__')), field)
  fc.assert(
    fc.property(record, fc.constantFrom('drop', 'error', 'keep'), object, (types, unknown, given) => {
      const fields = Object.fromEntries(Object.entries(types).map(([name, text]) => [name, parseType(text)!]))
      const made = rowFromJson({ fields }, unknown)(given)
      // vitest compares constructors, and a field of that name is not one.
      deepStrictEqual(made, interpretedRow({ fields }, unknown)(given))
      if (!Array.isArray(made))
        expect(Object.keys(made)).toEqual(Object.keys(interpretedRow({ fields }, unknown)(given)))
    }),
    { numRuns: 1000 },
  )
})

describe('values are written so that they can be read back', () => {
  const samples: [string, unknown, unknown, string][] = [
    ['string', 'x', 'x', 'x'],
    ['boolean', true, true, 'true'],
    ['integer', -5, -5, '-5'],
    ['bigint', 2n ** 60n, '1152921504606846976', '1152921504606846976'],
    ['number', 1e21, 1e21, '1e+21'],
    ['decimal(10,2)', '-12.30', '-12.30', '-12.30'],
    ['date', '2010-12-01', '2010-12-01', '2010-12-01'],
    ['timestamp', Date.UTC(2010, 11, 1, 8, 26), '2010-12-01T08:26:00.000Z', '2010-12-01T08:26:00.000Z'],
    ['time', '08:26:00.5', '08:26:00.5', '08:26:00.5'],
    ['timestamp(6)', -1n, '1969-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.999999Z'],
    ['timestamp(9)', 1291191960000000001n, '2010-12-01T08:26:00.000000001Z', '2010-12-01T08:26:00.000000001Z'],
    ['bytes', new Uint8Array([104, 105]), 'aGk=', 'aGk='],
    ['list<bigint>', [1n, 2n], ['1', '2'], '["1","2"]'],
    ['json', { a: [1] }, { a: [1] }, '{"a":[1]}'],
  ]
  it.each(samples)('%s %s', (typeName, value, json, text) => {
    expect(toJson(type(typeName))(value)).toEqual(json)
    expect(fromJson(type(typeName))(json)).toEqual(value)
    expect(toText(type(typeName))(value)).toBe(text)
    expect(fromText(type(typeName))(text)).toEqual(value)
    expect(toJson(type(typeName))(null)).toBe(null)
    expect(toText(type(typeName))(null)).toBe('')
  })

  it('keeps the fields that an open object has in addition to its type', () => {
    const open: Type = { kind: 'object', record: { fields: { id: parseType('bigint')! }, open: true } }
    expect(toJson(open)({ id: 5n, more: 1 })).toEqual({ id: '5', more: 1 })
  })
})

it('distinguishes a calendar date from one that does not exist', () => {
  expect(['2012-02-29', '2000-02-29', '9999-12-31', '0001-01-01'].every(isDateText)).toBe(true)
  expect(
    ['1900-02-29', '2010-13-01', '2010-00-01', '2010-01-00', '2010-01-32', '2010/01/01', '2010-1-011', ''].some(
      isDateText,
    ),
  ).toBe(false)
})
