import { compileExpression, parseType, type Row } from '@millrace/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

const types = {
  n: 'integer?',
  x: 'number?',
  b: 'bigint?',
  d: 'decimal(10,2)?',
  t: 'string?',
  day: 'date?',
  at: 'timestamp?',
  fine: 'timestamp(6)?',
  flag: 'boolean?',
}
type Name = keyof typeof types
const record = { fields: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, parseType(type)!])) }

const whole = fc.integer({ min: -20, max: 20 })
const texts = ['', 'a', 'b', 'ba', '\u{10000}', '\uffff', 'ä']
const day = fc.integer({ min: 1, max: 28 }).map((d) => `2024-02-${String(d).padStart(2, '0')}`)
/** Values of each field, and constants as expressions write them. */
const values: Record<Name, fc.Arbitrary<unknown>> = {
  n: whole,
  x: fc.oneof(
    whole.map((n) => n / 4),
    fc.constant(-0),
  ),
  b: whole.map(BigInt),
  d: whole.map((n) => `${n}.00`),
  t: fc.constantFrom(...texts),
  day,
  at: whole.map((n) => n * 1000),
  fine: whole.map((n) => BigInt(n) * 1_000_001n),
  flag: fc.boolean(),
}
const constants: Record<Name, fc.Arbitrary<string>> = {
  n: fc.oneof(
    whole.map(String),
    whole.map((n) => (n / 4).toFixed(2)),
    whole.map((n) => `bigint("${n}")`),
  ),
  x: whole.map((n) => (n / 4).toFixed(2)),
  b: whole.map(String),
  d: fc.oneof(
    whole.map(String),
    whole.map((n) => `${n}.50`),
  ),
  t: fc.constantFrom(...texts).map((text) => JSON.stringify(text)),
  day: day.map((text) => `date("${text}")`),
  at: whole.map((n) => `timestamp("${new Date(n * 1000).toISOString()}")`),
  fine: whole.map((n) => `timestamp("${new Date(n * 1000).toISOString().replace('Z', '001Z')}")`),
  flag: fc.constantFrom('true', 'false'),
}
const compared: fc.Arbitrary<string> = fc.constantFrom(...(Object.keys(types) as Name[])).chain((name) =>
  fc
    .tuple(constants[name], fc.array(constants[name], { minLength: 1, maxLength: 3 }), fc.boolean(), fc.nat(5))
    .map(([constant, more, isFlipped, kind]) => {
      if (kind === 0) return `${name} in [${more.join(', ')}]`
      if (kind === 1 || name === 'flag') return isFlipped ? `${constant} == ${name}` : `${name} == ${constant}`
      const order = ['<', '<=', '>', '>='][kind - 2]!
      return `${name} != null && ${isFlipped ? `${constant} ${order} ${name}` : `${name} ${order} ${constant}`}`
    }),
)
const condition = fc.oneof(
  compared,
  fc.array(compared, { minLength: 2, maxLength: 3 }).map((all) => all.join(' && ')),
  compared.map((one) => `(${one}) || flag == true`),
  compared.map((one) => `!(${one})`),
)
const rows = fc.array(
  fc.record(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fc.option(value, { freq: 3 })]))),
  { minLength: 1, maxLength: 6 },
)

/** The least and greatest value by the order that files use. */
function rangeOf(all: readonly Row[], name: string) {
  const known = all.map((row) => row[name]).filter((value) => value !== null)
  if (known.length === 0) return null
  const sorted = known.toSorted((a, b) => {
    if (typeof a === 'string' && name === 't') return Buffer.compare(Buffer.from(a), Buffer.from(b as string))
    const [left, right] = name === 'd' ? [Number(a), Number(b)] : [a as number, b as number]
    return left < right ? -1 : left > right ? 1 : 0
  })
  return { least: sorted[0], most: sorted.at(-1) }
}

test('a bound excludes no records for which the condition is true, and many others', () => {
  let excluded = 0
  let none = 0
  fc.assert(
    fc.property(condition, rows, (text, all) => {
      const compiled = compileExpression(text, record)
      // Numbers of some kinds cannot be in one list.
      fc.pre(compiled.ok)
      const isExcluded = compiled.bounds().some(({ field, excludes }) => excludes(rangeOf(all, field)))
      const isNone = all.every((row) => compiled.evaluate(row) !== true)
      if (isExcluded) expect(isNone, text).toBe(true)
      excluded += Number(isExcluded)
      none += Number(isNone)
    }),
    { numRuns: 3000 },
  )
  expect(excluded).toBeGreaterThan(none / 4)
})

test.each([
  ['n > 5', { least: 1, most: 5 }, true],
  ['n > 5', { least: 1, most: 6 }, false],
  ['5 < n', { least: 1, most: 5 }, true],
  ['n <= 0.5', { least: 1, most: 5 }, true],
  ['n == 3', { least: 4, most: 5 }, true],
  ['n == 3', { least: 1, most: 5 }, false],
  ['n in [1, 9]', { least: 2, most: 8 }, true],
  ['n in [1, 5]', { least: 2, most: 8 }, false],
  ['n != null', null, true],
  ['n != null', { least: 2, most: 8 }, false],
])('%s excludes %j: %s', (text, range, expected) => {
  const compiled = compileExpression(
    text.includes('null') || !/[<>]/.test(text) ? text : `n != null && ${text}`,
    record,
  )
  if (!compiled.ok) throw new Error(compiled.problems[0]!.message)
  expect(compiled.bounds().some(({ excludes }) => excludes(range))).toBe(expected)
})

test.each([
  'n == x',
  'n != 5',
  'n == null',
  'n == 1 || x == 2.0',
  'coalesce(n, 0) + 1 == 5',
  '!(n == 5)',
  'flag == true',
])('%s sets no bound', (text) => {
  const compiled = compileExpression(text, record)
  if (!compiled.ok) throw new Error(compiled.problems[0]!.message)
  expect(compiled.bounds()).toEqual([])
})
