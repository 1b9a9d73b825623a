/**
 * The conformance table of CEL (https://github.com/google/cel-spec, tests/simple/testdata, Apache-2.0): what each of
 * its expressions must give, without the cases about protocol buffers and their enums. Each is equal here, or a
 * difference that is named below and in the guide. `conformance.jsonl`: expression, expected value, bindings.
 */
import { readFileSync } from 'node:fs'
import {
  compileExpression,
  type Field,
  interpretExpression,
  parseType,
  type RecordType,
  type Row,
} from '@millrace/core'
import { expect, test } from 'vitest'

type Value = readonly [kind: string, ...parts: any[]]
type Fact = readonly [expression: string, expected: Value, bindings?: Readonly<Record<string, Value | null>>]

const facts = readFileSync(new URL('conformance.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Fact)

/** What is different, by what the check says of it: nothing of it gives another value without a word. */
const refusals: readonly (readonly [difference: string, finding: RegExp])[] = [
  ['no unsigned integers', /no unsigned numbers|function uint|field uint/],
  [
    'no math.*: abs(), ceil(), floor(), round(), min() and max() stand alone, and there are no bit operations',
    /field math/,
  ],
  ['no format()', /function format/],
  [
    'no dynamic types: dyn(), type(), and the names of types',
    /function (dyn|type)|field (dyn|type|int|list|map|bool|bytes|double|string|null_type)$/,
  ],
  ['no ip() and cidr()', /function (ip|cidr|isIP)|field (ip|cidr)/],
  ['no optional values: null is one', /field optional|\? is unexpected|\[\? is unexpected/],
  [
    'no text functions by index: indexOf, lastIndexOf, charAt, reverse, quote, join',
    /function (indexOf|lastIndexOf|charAt|reverse|upperAscii|lowerAscii|join)|field strings|(split|replace) takes|substring (takes|from)/,
  ],
  ['no base64.* and cel.* functions', /field (base64|cel)/],
  [
    'no macros with two variables',
    /(function (transform(Map|List|MapEntry)|existsOne))|(exists|all|exists_one) takes a list, a name/,
  ],
  [
    'objects: names are texts, and each name has its own type',
    /names in an object are text|\{.*\} cannot be compared|cannot be compared with .*\{|cannot be compared with [!=]= ?$|cannot be compared with == json|and json cannot be compared|not \{|over \{|map here, not \{/,
  ],
  ['lists have one type of items', /a list has values of one type|list<.*> and list<.*> cannot be compared/],
  [
    'no conversion between types that are compared',
    /(string|integer|number|boolean) and (string|integer|number|boolean|json)[a-z<>]* cannot be compared|must have one type/,
  ],
  ['bytes, booleans and lists have no order', /values of type .* have no order/],
  ['bytes are not joined, nor made of text', /bytes \+ bytes|function bytes|bytes are not UTF/],
  ['parts of a time are hour(), day(), ...', /function get[A-Z]/],
  ['null is compared only with == and !=', /null is null|type of (null|\[\])/],
  ['an unknown name is a finding', /there is no (field|function) [`a-zA-Z_]/],
  ['a condition is a boolean', /where true or false is needed|is neither true nor false/],
  ['int() refuses a fraction', /is not a whole number/],
  ['int() takes no timestamp, duration() no number', /int takes|duration takes/],
  [
    'integers are exact to 2^53',
    /is beyond \d|beyond 64 bits|bigint \/ integer|number % number|division by zero|does not fit/,
  ],
  ['what may be null needs a guard', /may be null here/],
  ['numbers are finite, and none becomes 0', /beyond the range of a number|too small for a number/],
]

/** Values that are different. */
const others: readonly (readonly [difference: string, expression: RegExp])[] = [
  ['bool() takes any case', /^bool\('(TrUe|FaLsE)'\)$/],
  ['a field that is missing in json is null', /^x\.name$/],
  ['substring() ends with the text', /^'tacocat'\.substring\(/],
  ['timestamp(integer) counts milliseconds', /^timestamp\(-?\d+\)$/],
  ['durations are milliseconds, of any length', /duration\(|^timestamp\(.*\) - timestamp\(/],
  ['string(timestamp) has milliseconds', /^string\(timestamp\(/],
]

function field(value: Value | null): Field | undefined {
  const types: Readonly<Record<string, string>> = {
    int: 'integer',
    double: 'number',
    bool: 'boolean',
    string: 'string',
    bytes: 'bytes',
    list: 'json',
    map: 'json',
    null: 'json?',
  }
  const type = value ? types[value[0]] : undefined
  return type === undefined ? undefined : parseType(type)
}

function valueOf([kind, ...parts]: Value): unknown {
  switch (kind) {
    case 'int':
    case 'double':
      return Number(parts[0])
    case 'bool':
      return parts[0] === 'true'
    case 'bytes':
      return Buffer.from(parts[0] as string, 'hex')
    case 'list':
      return parts.map((part) => valueOf(part as Value))
    case 'map':
      return Object.fromEntries(parts.map(([key, part]: [Value, Value]) => [key[1], valueOf(part)]))
    case 'null':
      return null
    default:
      return parts[0]
  }
}

function isSame([kind, ...parts]: Value, value: unknown): boolean {
  switch (kind) {
    case 'int':
      return (
        (Number.isInteger(value) || typeof value === 'bigint') && BigInt(value as number) === BigInt(parts[0] as string)
      )
    case 'double':
      return typeof value === 'number' && value === Number(parts[0])
    case 'bytes':
      return value instanceof Uint8Array && Buffer.from(value).toString('hex') === parts[0]
    case 'list':
      return (
        Array.isArray(value) &&
        value.length === parts.length &&
        parts.every((part, i) => isSame(part as Value, value[i]))
      )
    case 'map':
      return (
        typeof value === 'object' &&
        Object.keys(value as Row).length === parts.length &&
        parts.every(([key, part]: [Value, Value]) => isSame(part, (value as Row)[key[1] as string]))
      )
    case 'timestamp':
      return Number(value) === Number(parts[0]) * 1000 + Number(parts[1]) / 1e6
    default:
      return value === valueOf([kind, ...parts])
  }
}

/** `equal`, a difference by its name, or what is wrong. */
function outcome([expression, expected, bindings = {}]: Fact, build: typeof compileExpression): string {
  const fields: Record<string, Field> = {}
  const row: Row = {}
  for (const [name, value] of Object.entries(bindings)) {
    const type = field(value)
    if (!type) continue
    fields[name] = type
    row[name] = valueOf(value!)
  }
  const compiled = build(expression, { fields } satisfies RecordType)
  const isError = expected[0] === 'error'
  if (!compiled.ok) {
    const { message } = compiled.problems[0]!
    if (isError) return 'equal'
    return refusals.find(([, finding]) => finding.test(message))?.[0] ?? `refused: ${message}`
  }
  let value: unknown
  try {
    value = compiled.evaluate(row)
  } catch (error) {
    return isError ? 'equal' : `failed: ${(error as Error).message}`
  }
  if (!isError && isSame(expected, value)) return 'equal'
  return others.find(([, known]) => known.test(expression))?.[0] ?? `gives ${String(value)}`
}

test.each([
  ['compiled', compileExpression],
  ['interpreted', interpretExpression],
] as const)('every case is equal, or a difference that is named: %s', (_, build) => {
  const names = new Set(['equal', ...refusals.map(([name]) => name), ...others.map(([name]) => name)])
  const counts = new Map<string, number>()
  const unknown: string[] = []
  for (const fact of facts) {
    const found = outcome(fact, build)
    counts.set(found, (counts.get(found) ?? 0) + 1)
    if (!names.has(found)) unknown.push(`${fact[0]}: ${found}, not ${JSON.stringify(fact[1])}`)
  }
  expect(unknown).toEqual([])
  expect(counts.get('equal')).toBe(730)
  const guide = readFileSync(new URL('../../../../docs/guide/expressions.md', import.meta.url), 'utf8')
  expect([...names].filter((name) => name !== 'equal' && !guide.includes(name))).toEqual([])
  // A difference that no case shows any more is to be removed.
  expect([...names].filter((name) => !counts.has(name))).toEqual([])
})
