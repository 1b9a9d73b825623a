/** Functions from one type to another. They convert exactly or fail; only `double` may return the nearest number. */

import { decimalFromNumber, decimalFromText } from '../../convert/scalar.ts'
import { fineTimestampText, fromText, parseJson } from '../../convert/index.ts'
import { isoText } from '../../date/index.ts'
import { DataError } from '../../errors/index.ts'
import type { Type } from '../../schema/index.ts'
import type { Node } from '../check/typed.ts'
import { maxPrecision } from '../check/unify.ts'
import { pointed } from '../values/decimal.ts'
import { jsonTo, jsonToText } from '../values/json.ts'
import { type FunctionEntry, type Made, written } from './entry.ts'

const reader = (kind: 'integer' | 'bigint' | 'number' | 'boolean'): ((text: string) => unknown) => fromText({ kind })
const fromJsonTo = (kind: 'integer' | 'bigint' | 'number' | 'boolean') => jsonTo(reader(kind), { kind })
const same = (value: unknown): unknown => value

function wholeOf(value: number): number {
  if (Number.isSafeInteger(value)) return value + 0
  throw Number.isInteger(value)
    ? new DataError('out_of_range', `${value} is beyond 9007199254740991`)
    : new DataError('not_integer', `${value} is not a whole number: use round(), floor() or ceil()`)
}

function wholeOfDecimal(text: string): string {
  const [whole, fraction = ''] = text.split('.')
  if (/[1-9]/.test(fraction))
    throw new DataError('not_integer', `${text} is not a whole number: use round(), floor() or ceil()`)
  return /^-0+$/.test(whole!) ? '0' : whole!
}

function textOfBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new DataError('bad_bytes', 'the bytes are not UTF-8 text')
  }
}

/** decimal(x, p, s), by how a value of the type converts to text or a number. */
function decimal([x, p, s]: readonly Node[]): Made {
  const precision = Number(written(p))
  const scale = Number(written(s))
  if (precision < 1 || precision > maxPrecision || scale > precision)
    return {
      refusal: `decimal(${precision},${scale}) is not a type`,
      at: 1,
      hint: `1 to ${maxPrecision} digits, of which at most all are after the point`,
    }
  const type: Type = { kind: 'decimal', precision, scale }
  const read = (text: string) => decimalFromText(text, precision, scale)
  const number = (value: number) => decimalFromNumber(value, precision, scale)
  const whole = (value: number | bigint) => read(String(value))
  const kind = x!.type.kind
  const call =
    kind === 'number'
      ? number
      : kind === 'json'
        ? jsonTo(read, type)
        : kind === 'integer' || kind === 'bigint'
          ? whole
          : read
  const exact = x?.op === 'constant' ? x.exact : undefined
  if (exact && Math.abs(exact.scale) <= maxPrecision) {
    const digits = exact.digits * 10n ** BigInt(Math.max(0, -exact.scale))
    return {
      type,
      args: [x!],
      operation: { name: 'decimal of written', call: () => read(pointed(digits, Math.max(0, exact.scale))) },
    }
  }
  return { type, args: [x!], operation: { name: `decimal of ${kind}`, parameters: [precision, scale], call } }
}

export const conversionFunctions: readonly FunctionEntry[] = [
  {
    name: 'string',
    group: 'conversion',
    doc: 'As text: numbers as JSON prints them, timestamps as ISO 8601 in UTC, bytes read as UTF-8. A JSON string is its text, any other JSON value its JSON.',
    example: ['string(1.50)', '"1.5"'],
    flink: 'CAST(x AS STRING)',
    forms: [
      { takes: 'x: string', gives: 'string', call: same },
      ...(['integer', 'bigint', 'number', 'boolean'] as const).map((kind) => ({
        takes: `x: ${kind}`,
        gives: 'string',
        call: (x: unknown) => String(x),
      })),
      { takes: 'x: decimal', gives: 'string', call: same },
      { takes: 'x: date', gives: 'string', call: same },
      { takes: 'x: time', gives: 'string', call: same },
      { takes: 'x: timestamp', gives: 'string', call: isoText },
      ...([6, 9] as const).map((precision) => ({
        takes: `x: timestamp(${precision})`,
        gives: 'string',
        call: (x: bigint) => fineTimestampText(x, precision),
      })),
      { takes: 'x: bytes', gives: 'string', call: textOfBytes },
      { takes: 'x: json', gives: 'string', call: jsonToText, nullable: true },
    ],
  },
  {
    name: 'int',
    group: 'conversion',
    doc: 'As integer, exactly: text must be a whole number, and a number must have no fraction.',
    example: ['int("-12")', '-12'],
    flink: 'CAST(x AS BIGINT)',
    forms: [
      { takes: 'x: string', gives: 'integer', call: reader('integer') },
      { takes: 'x: integer', gives: 'integer', call: same },
      { takes: 'x: bigint', gives: 'integer', call: (x: bigint) => reader('integer')(String(x)) },
      { takes: 'x: number', gives: 'integer', call: wholeOf },
      { takes: 'x: decimal', gives: 'integer', call: (x: string) => reader('integer')(wholeOfDecimal(x)) },
      { takes: 'x: json', gives: 'integer', call: fromJsonTo('integer'), nullable: true },
    ],
  },
  {
    name: 'bigint',
    group: 'conversion',
    doc: 'As 64-bit whole number, exactly.',
    example: ['bigint("9007199254740993")', '9007199254740993'],
    flink: 'CAST(x AS BIGINT)',
    forms: [
      { takes: 'x: string', gives: 'bigint', call: reader('bigint') },
      { takes: 'x: integer', gives: 'bigint', call: (x: number) => BigInt(x) },
      { takes: 'x: bigint', gives: 'bigint', call: same },
      { takes: 'x: number', gives: 'bigint', call: (x: number) => BigInt(wholeOf(x)) },
      { takes: 'x: decimal', gives: 'bigint', call: (x: string) => reader('bigint')(wholeOfDecimal(x)) },
      { takes: 'x: json', gives: 'bigint', call: fromJsonTo('bigint'), nullable: true },
    ],
  },
  {
    name: 'double',
    group: 'conversion',
    doc: 'As number; for a decimal or bigint with more digits than a number has, the nearest one.',
    example: ['double("1e3")', '1000'],
    flink: 'CAST(x AS DOUBLE)',
    forms: [
      { takes: 'x: string', gives: 'number', call: reader('number') },
      { takes: 'x: number', gives: 'number', call: same },
      { takes: 'x: bigint', gives: 'number', call: (x: bigint) => Number(x) },
      { takes: 'x: decimal', gives: 'number', call: (x: string) => Number(x) },
      { takes: 'x: json', gives: 'number', call: fromJsonTo('number'), nullable: true },
    ],
  },
  {
    name: 'bool',
    group: 'conversion',
    doc: 'As boolean, from the text true or false in any case.',
    example: ['bool("TRUE")', 'true'],
    flink: 'CAST(x AS BOOLEAN)',
    forms: [
      { takes: 'x: string', gives: 'boolean', call: reader('boolean') },
      { takes: 'x: boolean', gives: 'boolean', call: same },
      { takes: 'x: json', gives: 'boolean', call: fromJsonTo('boolean'), nullable: true },
    ],
  },
  {
    name: 'decimal',
    group: 'conversion',
    doc: 'As decimal(p,s), exactly: more than s digits after the point, except zeros, are the data error `out_of_range`; use round(x, s) first.',
    example: ['decimal("1.5", 10, 2)', '"1.50"'],
    flink: 'CAST(x AS DECIMAL(p, s))',
    forms: (['string', 'integer', 'bigint', 'number', 'decimal', 'json'] as const).map((kind) => ({
      takes: `x: ${kind}, p: whole, s: whole`,
      gives: 'decimal(p,s)',
      make: decimal,
      nullable: kind === 'json',
    })),
  },
  {
    name: 'parse_json',
    group: 'conversion',
    doc: 'The JSON value in a text. Access it with .name and [0], which give null if there is nothing, and convert what you find: int(), string() and so on.',
    example: ['string(parse_json("{\\"a\\": [1, 2]}").a[1])', '"2"'],
    flink: undefined,
    forms: [{ takes: 'text: string', gives: 'json?', call: parseJson }],
  },
]
