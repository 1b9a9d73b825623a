import {
  compileExpression,
  DataError,
  type Field,
  fieldText,
  interpretExpression,
  isDateText,
  parseType,
  type RecordType,
  type Row,
  type Type,
} from '@millrace/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

const types = {
  i: 'integer',
  iq: 'integer?',
  n: 'number',
  nq: 'number?',
  s: 'string',
  sq: 'string?',
  b: 'boolean',
  bq: 'boolean?',
  big: 'bigint',
  bigq: 'bigint?',
  d: 'decimal(10,2)',
  dq: 'decimal(12,4)?',
  wide: 'decimal(30,3)',
  t: 'timestamp',
  tq: 'timestamp?',
  day: 'date',
  dayq: 'date?',
  li: 'list<integer>',
  lq: 'list<integer?>',
  ls: 'list<string>',
  j: 'json?',
} as const
const record: RecordType = {
  fields: Object.fromEntries(Object.entries(types).map(([name, type]): [string, Field] => [name, parseType(type)!])),
}

// --- rows

const most = Number.MAX_SAFE_INTEGER
const integer = fc.oneof(
  fc.integer({ min: -9, max: 9 }),
  fc.maxSafeInteger(),
  fc.constantFrom(most, -most, 0, 4_503_599_627_370_496),
)
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -1000, max: 1000 }).map((n) => n / 8),
  fc.integer({ min: -100_000, max: 100_000 }).map((n) => n / 1000),
  fc.constantFrom(0, -0, 1e308, -1e308, 5e-324, 0.5, 2.5, 1e21),
)
const text = fc.oneof(
  fc.string({ maxLength: 6, unit: 'binary' }),
  fc.string({ maxLength: 4 }),
  fc.constantFrom(
    '',
    'a😀b',
    '\uffff',
    '😀',
    '\ud83d',
    '\ude00x',
    'a\ud83d',
    ' 12 ',
    '42',
    'true',
    '1.5',
    '2010-12-01',
  ),
)
const decimal = (precision: number, scale: number) =>
  fc
    .oneof(
      fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }),
      fc.bigInt({ min: -500n, max: 500n }),
    )
    .map((n) => {
      const digits = String(n < 0n ? -n : n).padStart(scale + 1, '0')
      return `${n < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
    })
const timestamp = fc.oneof(
  fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2100, 0, 1) }),
  fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
  fc.constantFrom(-62_135_596_800_000, 253_402_300_799_999, 0, -1),
)
const day = timestamp.map((ms) => new Date(ms).toISOString().slice(0, 10))
const big = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -9n, max: 9n }))
const orNull = <T>(value: fc.Arbitrary<T>) => fc.oneof(value, fc.constantFrom(null, undefined))

const rows: fc.Arbitrary<Row> = fc.record({
  i: integer,
  iq: orNull(integer),
  n: number,
  nq: orNull(number),
  s: text,
  sq: orNull(text),
  b: fc.boolean(),
  bq: orNull(fc.boolean()),
  big,
  bigq: orNull(big),
  d: decimal(10, 2),
  dq: orNull(decimal(12, 4)),
  wide: decimal(30, 3),
  t: timestamp,
  tq: orNull(timestamp),
  day,
  dayq: orNull(day),
  li: fc.array(integer, { maxLength: 4 }),
  lq: fc.array(fc.oneof(integer, fc.constant(null)), { maxLength: 4 }),
  ls: fc.array(text, { maxLength: 4 }),
  j: orNull(fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.record({ a: fc.jsonValue({ maxDepth: 1 }) }))),
})

// --- expressions, by their type

type Texts = fc.Arbitrary<string>
const literalText = fc
  .oneof(fc.string({ maxLength: 4, unit: 'binary' }), fc.constantFrom('', 'a', '😀', 'true', '7'))
  .map((value) => JSON.stringify(value))
const of = (...parts: (string | Texts)[]): Texts =>
  fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((texts) => texts.join(''))
const zone = fc.constantFrom('', ', "UTC"', ', "Europe/Berlin"', ', "America/St_Johns"', ', "Asia/Kathmandu"')

type Grammar = {
  integer: string
  number: string
  decimal: string
  bigint: string
  string: string
  boolean: string
  timestamp: string
  date: string
  integers: string
  strings: string
}

const {
  integer: anInteger,
  number: aNumber,
  decimal: aDecimal,
  bigint: aBigint,
  string: aString,
  boolean: aBoolean,
  timestamp: aTimestamp,
  date: aDate,
  integers,
  strings,
} = fc.letrec<Grammar>((tie) => {
  const int = tie('integer')
  const num = tie('number')
  const dec = tie('decimal')
  const large = tie('bigint')
  const str = tie('string')
  const bool = tie('boolean')
  const time = tie('timestamp')
  const date = tie('date')
  const ints = tie('integers')
  const strs = tie('strings')
  const deep = (leaf: Texts, ...more: Texts[]): Texts =>
    fc.oneof({ depthSize: 'small', maxDepth: 4, withCrossShrink: true }, leaf, ...more)
  // Works for every type: choices, and values that may be null behind their guards.
  const common = (value: Texts, nullable?: string): Texts[] => [
    of('(', bool, ' ? ', value, ' : ', value, ')'),
    ...(nullable
      ? [
          of(`coalesce(${nullable}, `, value, ')'),
          of(`(${nullable} != null ? ${nullable} : `, value, ')'),
          of(`(has(${nullable}) && `, bool, ` ? ${nullable} : `, value, ')'),
        ]
      : []),
  ]
  const sign = fc.constantFrom(' + ', ' - ', ' * ')
  const order = fc.constantFrom(' < ', ' <= ', ' > ', ' >= ', ' == ', ' != ')
  const equality = fc.constantFrom(' == ', ' != ')
  return {
    integer: deep(
      fc.oneof(fc.constant('i'), fc.integer({ min: -9, max: 99 }).map(String), fc.constant(String(most))),
      of('(', int, sign, int, ')'),
      of('(', int, ' % ', int, ')'),
      of('-', int),
      of('size(', fc.oneof(str, ints, strs), ')'),
      of(fc.constantFrom('round', 'floor', 'ceil'), '(', num, ')'),
      of('abs(', int, ')'),
      of(fc.constantFrom('min', 'max'), '(', int, ', ', int, ', ', int, ')'),
      of(fc.constantFrom('min', 'max'), '(', ints, ')'),
      of('int(', fc.oneof(str, num, dec, large), ')'),
      of(
        fc.constantFrom(
          'year',
          'month',
          'day',
          'hour',
          'minute',
          'second',
          'millisecond',
          'day_of_week',
          'day_of_year',
        ),
        '(',
        time,
        zone,
        ')',
      ),
      of(fc.constantFrom('year', 'month', 'day', 'day_of_week', 'day_of_year'), '(', date, ')'),
      of('days_between(', date, ', ', date, ')'),
      of('(', time, ' - ', time, ')'),
      of(ints, '[', int, ']'),
      of('coalesce(int(j.a), ', int, ')'),
      ...common(int, 'iq'),
    ),
    number: deep(
      fc.oneof(
        fc.constant('n'),
        fc.integer({ min: -99, max: 99 }).map((n) => `${n / 10}`),
        fc.constantFrom('0.0', '1e308', '2.5e-3'),
      ),
      of('(', num, sign, fc.oneof(num, int), ')'),
      of('(', fc.oneof(int, num), ' / ', fc.oneof(int, num), ')'),
      of('round(', num, ', ', fc.integer({ min: 0, max: 6 }).map(String), ')'),
      of('abs(', num, ')'),
      of(fc.constantFrom('min', 'max'), '(', num, ', ', int, ')'),
      of('double(', fc.oneof(str, int, dec, large), ')'),
      ...common(num, 'nq'),
    ),
    decimal: deep(
      fc.oneof(fc.constantFrom('d', 'wide'), of('decimal(', fc.integer({ min: -99, max: 99 }).map(String), ', 4, 1)')),
      of('(', dec, fc.constantFrom(' + ', ' - '), fc.oneof(dec, int, large, fc.constant('0.125')), ')'),
      of('(', dec, ' * ', fc.oneof(fc.constant('1.5'), int), ')'),
      of('-', dec),
      of('abs(', dec, ')'),
      of(fc.constantFrom('round', 'floor', 'ceil'), '(', dec, ')'),
      of('round(', dec, ', 1)'),
      of('divide(', dec, ', ', fc.oneof(dec, int), ', 3)'),
      of(fc.constantFrom('min', 'max'), '(', dec, ', ', dec, ')'),
      of('decimal(', fc.oneof(int, str, num, dec), ', 20, 3)'),
      ...common(dec, 'dq'),
    ),
    bigint: deep(
      fc.constantFrom('big', '9007199254740993', '-9223372036854775808'),
      of('(', large, sign, fc.oneof(large, int), ')'),
      of('(', large, ' % ', large, ')'),
      of('-', large),
      of('abs(', large, ')'),
      of('bigint(', fc.oneof(int, str, dec, num), ')'),
      ...common(large, 'bigq'),
    ),
    string: deep(
      fc.oneof(fc.constant('s'), literalText),
      of('(', str, ' + ', str, ')'),
      of(fc.constantFrom('lower', 'upper', 'trim', 'sha256'), '(', str, ')'),
      of('substring(', str, ', ', int, ')'),
      of('substring(', str, ', ', fc.nat(3).map(String), ', ', fc.nat(4).map(String), ')'),
      of('replace(', str, ', ', str, ', ', str, ')'),
      of('join(', strs, ', ', str, ')'),
      of('string(', fc.oneof(int, num, dec, large, bool, time, date), ')'),
      of(fc.constantFrom('min', 'max'), '(', str, ', ', str, ')'),
      of('coalesce(string(j.a), ', str, ')'),
      ...common(str, 'sq'),
    ),
    boolean: deep(
      fc.constantFrom('b', 'true', 'false', 'has(iq)', '(bq == true)', 'coalesce(bq, false)', '(sq != null)'),
      of('(', bool, fc.constantFrom(' && ', ' || '), bool, ')'),
      of('(', bool, ' && ', bool, ' || ', bool, ')'),
      of('!', bool),
      of('(', int, order, fc.oneof(int, num, large), ')'),
      of('(', num, order, num, ')'),
      of('(', str, order, str, ')'),
      of('(', dec, order, fc.oneof(dec, int, large, fc.constant('1.25')), ')'),
      of('(', large, order, int, ')'),
      of('(', time, order, time, ')'),
      of('(', date, order, date, ')'),
      of('(', fc.constantFrom('iq', 'nq', 'null'), equality, fc.oneof(int, num, fc.constant('nq')), ')'),
      of('(dq', equality, fc.oneof(dec, int), ')'),
      of('(', fc.constantFrom('iq', 'sq', 'bq', 'dq', 'tq', 'j'), equality, 'null)'),
      of('has(', fc.constantFrom('iq', 'sq', 'bq', 'dq', 'tq', 'j', 'j.a'), ')'),
      fc.constantFrom(
        '(iq == 1)',
        '(i == 0 && s == "")',
        '(sq == "a" && d == 1.5)',
        '(bq == true || bq == null)',
        '(iq in [1, 2])',
      ),
      of('(', fc.oneof(ints, fc.constant('lq')), equality, ints, ')'),
      of('(', fc.oneof(int, fc.constant('iq')), ' in ', fc.oneof(ints, fc.constantFrom('lq', '[1, null, 7]')), ')'),
      of('(', str, ' in ["a", "😀", "", "true", "7", ', str, '])'),
      of('(iq != null && iq', order, int, ')'),
      of('(iq == null || iq', order, int, ')'),
      of('(!(sq == null) && ', str, order, 'sq)'),
      of(fc.constantFrom('contains', 'startsWith', 'endsWith'), '(', str, ', ', str, ')'),
      of('matches(', str, ', "^[a-z😀]*$")'),
      of(ints, fc.constantFrom('.all', '.exists', '.exists_one'), '(x, x', order, int, ')'),
      of('lq.exists(x, x != null && x', order, int, ')'),
      of('(j', equality, 'parse_json("[1]"))'),
      ...common(bool),
    ),
    timestamp: deep(
      fc.constantFrom('t', 'timestamp("2011-10-30T01:30:00Z")'),
      of(
        '(',
        time,
        fc.constantFrom(' + ', ' - '),
        fc.oneof(int, fc.constantFrom('duration("1h")', 'duration("400d")')),
        ')',
      ),
      of('timestamp(', date, ')'),
      ...common(time, 'tq'),
    ),
    date: deep(
      fc.constantFrom('day', 'date("2012-02-29")'),
      of('date(', time, zone, ')'),
      of('add_days(', date, ', ', int, ')'),
      ...common(date, 'dayq'),
    ),
    integers: deep(
      fc.constantFrom('li', '(b ? [] : [1])', 'lq.filter(x, x != null)'),
      of('[', int, ', ', int, ']'),
      of('(', ints, ' + ', ints, ')'),
      of(ints, '.map(x, x + ', int, ')'),
      of(ints, '.map(x, x > 0, [x, ', int, '].size())'),
      of(ints, '.filter(x, x > ', int, ')'),
    ),
    strings: deep(
      fc.constantFrom('ls', '["", "a"]'),
      of('split(', str, ', ', str, ')'),
      of(strs, '.map(x, upper(x))'),
      of('[', str, ']'),
      of(strs, '.filter(x, x < ', str, ')'),
    ),
  }
})

// --- the property

const outcome = (evaluate: (row: Row) => unknown, row: Row): unknown => {
  try {
    return { value: evaluate(row) }
  } catch (error) {
    if (error instanceof DataError) return { code: error.code }
    throw error
  }
}

function isOf(value: unknown, type: Type): boolean {
  switch (type.kind) {
    case 'integer':
      return Number.isSafeInteger(value) && !Object.is(value, -0)
    case 'number':
      return Number.isFinite(value)
    case 'bigint':
      return typeof value === 'bigint' && BigInt.asIntN(64, value) === value
    case 'decimal': {
      const digits = new RegExp(`^-?(?:0|[1-9][0-9]*)${type.scale ? `\\.[0-9]{${type.scale}}` : ''}$`)
      return (
        typeof value === 'string' &&
        digits.test(value) &&
        value.replace(/^-?0*/, '').replace('.', '').length <= type.precision &&
        !/^-[0.]*$/.test(value)
      )
    }
    case 'timestamp':
      return (
        Number.isInteger(value) && (value as number) >= -62_135_596_800_000 && (value as number) <= 253_402_300_799_999
      )
    case 'date':
      return typeof value === 'string' && isDateText(value)
    case 'list':
      return (
        Array.isArray(value) && value.every((item) => (item === null ? type.of.optional : isOf(item, type.of.type)))
      )
    default:
      return typeof value === type.kind
  }
}

/** The findings that a constant part of an expression may cause. */
const foldedCodes = ['out_of_range', 'division_by_zero', 'not_integer', 'not_number', 'bad_decimal', 'empty_list']

test('random expressions are well-typed, yield the same compiled and interpreted, and their values match their types', () => {
  const expressions = fc.oneof(
    anInteger,
    aNumber,
    aDecimal,
    aBigint,
    aString,
    aBoolean,
    aTimestamp,
    aDate,
    integers,
    strings,
  )
  let compiledOnes = 0
  let values = 0
  fc.assert(
    fc.property(expressions, fc.array(rows, { minLength: 3, maxLength: 3 }), (text, given) => {
      const compiled = compileExpression(text, record)
      const twin = interpretExpression(text, record)
      if (!compiled.ok || !twin.ok) {
        const problems = compiled.ok ? [] : compiled.problems.filter((problem) => !foldedCodes.includes(problem.code))
        expect(problems).toEqual([])
        return
      }
      compiledOnes++
      for (const row of given) {
        const result = outcome(compiled.evaluate, row) as { value?: unknown }
        expect(result).toStrictEqual(outcome(twin.evaluate, row))
        if (!('value' in result)) continue
        values++
        // What is said about the rows for which it is true must hold.
        if (result.value === true) {
          expect(compiled.narrows.filter((name) => (row[name] ?? null) === null)).toEqual([])
          for (const [name, value] of Object.entries(compiled.equals)) expect(row[name] === value, name).toBe(true)
        }
        if (!(result.value === null ? compiled.optional : isOf(result.value, compiled.type)))
          expect.fail(`${String(result.value)} is no ${fieldText(compiled)}`)
      }
    }),
    { numRuns: 1000 },
  )
  // Most expressions must yield a value, or the comparison says little.
  expect(compiledOnes).toBeGreaterThan(700)
  expect(values).toBeGreaterThan(1000)
})

test('rounding follows the digits a number is printed with, compiled and interpreted', () => {
  const near = fc
    .tuple(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.integer({ min: 0, max: 8 }))
    .map(([n, digits]) => Number(`${n}e-${digits}`))
  for (const digits of [0, 1, 2, 3, 6]) {
    const compiled = compileExpression(`round(n, ${digits})`, record)
    const twin = interpretExpression(`round(n, ${digits})`, record)
    if (!compiled.ok || !twin.ok) throw new Error('round is no function')
    const isSame = (n: number) => {
      expect(compiled.evaluate({ n })).toBe(twin.evaluate({ n }))
    }
    fc.assert(fc.property(fc.oneof(near, number), isSame), { numRuns: 500 })
  }
})
