/** Functions on numbers. Only those that say so round, and they round halves away from zero. */
import type { Type } from '../../schema/index.ts'
import type { Node } from '../check/typed.ts'
import { coerce, decimalType, digitsOf, literalDecimal, unifyNodes } from '../check/unify.ts'
import { absBigint, absInteger, absNumber } from '../values/arithmetic.ts'
import { absDecimal, cutDecimal, divideDecimal, type Rounding } from '../values/decimal.ts'
import { roundNumber, wholeNumber } from '../values/rounding.ts'
import { type Form, type FunctionEntry, type Made, written } from './entry.ts'

const same = (value: unknown): unknown => value

/** Decimals stay exact: `to` digits after the point. */
function cut(how: Rounding, node: Node, to: number): Made {
  const from = node.type as Type & { kind: 'decimal' }
  if (from.scale <= to) return { type: from, operation: { name: 'same', call: same } }
  const type = decimalType(from.precision - from.scale + 1, to)!
  return {
    type,
    operation: {
      name: `decimal ${how}`,
      parameters: [from.scale, to, type.precision],
      call: cutDecimal(how, from.scale, to, type.precision),
    },
  }
}

const wholeForms = (how: Rounding): readonly Form[] => [
  { takes: 'x: integer', gives: 'integer', call: same },
  { takes: 'x: bigint', gives: 'bigint', call: same },
  { takes: 'x: number', gives: 'integer', call: wholeNumber(how) },
  { takes: 'x: decimal', gives: 'decimal(p,0)', make: ([x]) => cut(how, x!, 0) },
]

function divide([a, b, digits]: readonly Node[]): Made {
  const to = Number(written(digits))
  const common = unifyNodes(a!, b!)
  const left = digitsOf(literalDecimal(a!, b!.type) ?? a!.type)
  const right = digitsOf(literalDecimal(b!, a!.type) ?? b!.type)
  const shared = common && digitsOf(common)
  if (!shared || !left || !right)
    return { refusal: 'divide takes decimals and whole numbers', hint: 'a / b is for numbers' }
  const type = decimalType(left.whole + right.scale, to)!
  const exact = decimalType(shared.whole, shared.scale)!
  const operation = { name: 'decimal /', parameters: [to, type.precision], call: divideDecimal(to, type.precision) }
  return { type, operation, args: [coerce(a!, exact), coerce(b!, exact)] }
}

export const numberFunctions: readonly FunctionEntry[] = [
  {
    name: 'round',
    group: 'numbers',
    doc: 'The nearest whole number, or with `digits` the nearest number with that many digits after the point; halves away from zero. A number counts as its printed digits, so round(2.675, 2) is 2.68.',
    example: ['round(-2.5)', '-3'],
    flink: 'ROUND(x, digits)',
    forms: [
      ...wholeForms('round'),
      {
        takes: 'x: integer, digits: whole',
        gives: 'integer',
        make: ([x]) => ({ args: [x!], operation: { name: 'same', call: same } }),
      },
      {
        takes: 'x: number, digits: whole',
        gives: 'number',
        make([x, digits]) {
          const places = Number(written(digits))
          return { args: [x!], operation: { name: 'number round', parameters: [places], call: roundNumber(places) } }
        },
      },
      {
        takes: 'x: decimal, digits: whole',
        gives: 'decimal(p,digits)',
        make: ([x, digits]) => ({ ...cut('round', x!, Number(written(digits))), args: [x!] }),
      },
    ],
  },
  {
    name: 'floor',
    group: 'numbers',
    doc: 'The largest whole number that is not above x.',
    example: ['floor(-2.5)', '-3'],
    flink: 'FLOOR(x)',
    forms: wholeForms('floor'),
  },
  {
    name: 'ceil',
    group: 'numbers',
    doc: 'The smallest whole number that is not below x.',
    example: ['ceil(-2.5)', '-2'],
    flink: 'CEIL(x)',
    forms: wholeForms('ceil'),
  },
  {
    name: 'abs',
    group: 'numbers',
    doc: 'The absolute value.',
    example: ['abs(-3)', '3'],
    flink: 'ABS(x)',
    forms: [
      { takes: 'x: integer', gives: 'integer', call: absInteger },
      { takes: 'x: bigint', gives: 'bigint', call: absBigint },
      { takes: 'x: number', gives: 'number', call: absNumber },
      { takes: 'x: decimal', gives: 'decimal(p,s)', call: absDecimal, make: ([x]) => ({ type: x!.type }) },
    ],
  },
  {
    name: 'divide',
    group: 'numbers',
    doc: 'The exact quotient of decimals or whole numbers, rounded to `digits` after the point, halves away from zero.',
    example: ['divide(10, 3, 2)', '"3.33"'],
    flink: 'ROUND(a / b, digits)',
    forms: (['decimal', 'integer', 'bigint'] as const).flatMap((a) =>
      (['decimal', 'integer', 'bigint'] as const).map((b) => ({
        takes: `a: ${a}, b: ${b}, digits: whole`,
        gives: 'decimal(p,digits)',
        make: divide,
      })),
    ),
  },
  {
    name: 'min',
    group: 'numbers',
    doc: 'The smallest of several values, or of the elements of a list. An empty list is the data error `empty_list`.',
    example: ['min(3, 1.5)', '1.5'],
    flink: 'LEAST(a, b), ARRAY_MIN(list)',
    special: true,
    forms: [
      { takes: 'a: T, b: T...', gives: 'T' },
      { takes: 'list: list<T>', gives: 'T' },
    ],
  },
  {
    name: 'max',
    group: 'numbers',
    doc: 'The largest of several values, or of the elements of a list. An empty list is the data error `empty_list`.',
    example: ['max("a", "b")', '"b"'],
    flink: 'GREATEST(a, b), ARRAY_MAX(list)',
    special: true,
    forms: [
      { takes: 'a: T, b: T...', gives: 'T' },
      { takes: 'list: list<T>', gives: 'T' },
    ],
  },
]
