/**
 * Equality, order and `in`: values are first converted to one type; if that is impossible, the finding says which
 * conversion would help.
 */
import type { Type } from '../../schema/index.ts'
import { quotedName } from '../read/quoted-name.ts'
import type { BinaryOperator, Span } from '../read/syntax.ts'
import { compareDecimal, compareScaled } from '../values/decimal.ts'
import { compareText } from '../values/text.ts'
import { both, noFacts, present } from './facts.ts'
import { type Reporter, required } from './report.ts'
import { brokenNode, callOf, describe, isBroken, isNothing, type Node, type Operation, type Ordering } from './typed.ts'
import { apart, coerce, digitsOf, instantDigits, unify, unifyAll, unifyNodes } from './unify.ts'

const boolean: Type = { kind: 'boolean' }
const hint = (text: string | undefined) => (text ? { hint: text } : {})

/** `left == right`, `left != right`: null is an ordinary value. */
export function equalNode(negated: boolean, left: Node, right: Node, span: Span, reporter: Reporter): Node {
  if (isBroken(left.type) || isBroken(right.type)) return { ...brokenNode(span), type: boolean }
  const known = { type: boolean, optional: false, span }
  const nullSide = isNothing(left.type) ? right : isNothing(right.type) ? left : undefined
  if (nullSide) {
    const facts = { yes: present(nullSide), no: noFacts.yes }
    const isPresent: Node = { op: 'present', value: nullSide, ...known, facts }
    return negated ? isPresent : { op: 'not', value: isPresent, ...known, facts: { yes: facts.no, no: facts.yes } }
  }
  const exactly = apart(left, right)
  if (exactly && !left.optional && !right.optional) {
    const isEqual = callOf(scaled('==', ...exactly), exactly, boolean, span)
    return negated ? { op: 'not', value: isEqual, ...known } : isEqual
  }
  const type = unifyNodes(left, right)
  if (!type) return { ...incomparable(negated ? '!=' : '==', left, right, span, reporter), type: boolean }
  // A value equal to one that is not null is not null.
  const proof = both(right.optional ? noFacts.yes : present(left), left.optional ? noFacts.yes : present(right))
  const facts = negated ? { yes: noFacts.yes, no: proof } : { yes: proof, no: noFacts.yes }
  return {
    op: 'equal',
    left: coerce(left, type),
    right: coerce(right, type),
    negated,
    deep: isDeep(type),
    ...known,
    facts,
  }
}

/** Whether `===` is not enough to compare two values of the type. */
const isDeep = (type: Type): boolean => ['bytes', 'list', 'map', 'object', 'json'].includes(type.kind)

/** `left < right` and the like. */
export function orderNode(operator: Ordering, left: Node, right: Node, span: Span, reporter: Reporter): Node {
  const a = required(left, reporter)
  const b = required(right, reporter)
  if (isBroken(a.type) || isBroken(b.type)) return { ...brokenNode(span), type: boolean }
  const exactly = apart(a, b)
  if (exactly) return callOf(scaled(operator, ...exactly), exactly, boolean, span)
  const type = unifyNodes(a, b)
  const operation = type && ordering(operator, type)
  if (!operation) return { ...incomparable(operator, a, b, span, reporter), type: boolean }
  return callOf(operation, [coerce(a, type), coerce(b, type)], boolean, span)
}

/** Types whose values `<` orders. */
const ordered: ReadonlySet<Type['kind']> = new Set([
  'integer',
  'number',
  'bigint',
  'date',
  'time',
  'timestamp',
  'fine_timestamp',
])

/** The comparison of two values of a type, by the sign of the result; undefined: they have no order. */
export function ordering(operator: Ordering, type: Type): Operation | undefined {
  const name = `${type.kind} ${operator}`
  if (type.kind === 'string') return compared(name, operator, compareText)
  if (type.kind === 'decimal') return compared(name, operator, compareDecimal)
  if (!ordered.has(type.kind)) return undefined
  return {
    ...compared(name, operator, (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0)),
    inline: (a, b) => `(${a} ${operator} ${b})`,
  }
}

/** The comparison of two decimals of any scale. */
function scaled(operator: Ordering | '==', a: Node, b: Node): Operation {
  const [left, right] = [digitsOf(a.type)!.scale, digitsOf(b.type)!.scale]
  return { ...compared(`decimal ${operator}`, operator, compareScaled(left, right)), parameters: [left, right] }
}

function compared<T>(name: string, operator: Ordering | '==', compare: (a: T, b: T) => number): Operation {
  if (operator === '==') return { name, call: (a: T, b: T) => compare(a, b) === 0 }
  const order = operator
  if (order === '<') return { name, order, call: (a: T, b: T) => compare(a, b) < 0 }
  if (order === '<=') return { name, order, call: (a: T, b: T) => compare(a, b) <= 0 }
  if (order === '>') return { name, order, call: (a: T, b: T) => compare(a, b) > 0 }
  return { name, order, call: (a: T, b: T) => compare(a, b) >= 0 }
}

function incomparable(operator: BinaryOperator, a: Node, b: Node, span: Span, reporter: Reporter): Node {
  const [left, right] = [describe(a.type), describe(b.type)]
  const message = unify(a.type, b.type)
    ? `values of type ${left} have no order`
    : `${left} and ${right} cannot be compared`
  reporter.report({
    code: 'wrong_type',
    message: `${message} with ${operator}`,
    span,
    got: `${left} and ${right}`,
    ...hint(comparisonHint(operator, a, b, reporter)),
  })
  return brokenNode(span)
}

const fromText: Readonly<Record<string, string>> = {
  integer: 'int',
  bigint: 'bigint',
  number: 'double',
  date: 'date',
  time: 'time',
  timestamp: 'timestamp',
  boolean: 'bool',
}

function comparisonHint(operator: BinaryOperator, a: Node, b: Node, reporter: Reporter): string | undefined {
  const [text, other] = a.type.kind === 'string' ? [a, b] : [b, a]
  if (text.type.kind === 'string') {
    const written = text.op === 'constant' ? reporter.textOf(text.span) : undefined
    if (other.type.kind === 'json') return `string(${reporter.textOf(other.span)}) converts it to text`
    if (written && (other.type.kind === 'integer' || other.type.kind === 'number') && /^["'][\d.]+["']$/.test(written))
      return `write the number without quotes: ${written.slice(1, -1)}`
    // The elements of a list are not converted.
    if (operator === 'in' && text === b) return `string(${reporter.textOf(a.span)}) converts it to text`
    const name = fromText[other.type.kind]
    if (name)
      return `${name}(${reporter.textOf(text.span)}) converts it to ${/^[aeiou]/.test(other.type.kind) ? 'an' : 'a'} ${other.type.kind}`
  }
  const kinds = [a.type.kind, b.type.kind]
  if (kinds.includes('json')) return 'convert the JSON value first: int(), double(), bool() or string()'
  if (kinds.includes('date') && kinds.includes('timestamp'))
    return `date(${reporter.textOf((a.type.kind === 'timestamp' ? a : b).span)}) is the date of a timestamp`
  if (kinds.includes('decimal') && kinds.includes('number'))
    return 'a number is not exact: use decimal(x, precision, scale) or double() for a common type'
  if (kinds.includes('bigint') && kinds.includes('number')) return 'double() converts a bigint to a number'
  return undefined
}

const isKeyOf: Operation = { name: 'key in map', call: (key: string, map: object) => Object.hasOwn(map, key) }

/** `value in list`: equality with one of its elements. `text in map`: it is a key of it. */
export function inNode(value: Node, list: Node, span: Span, reporter: Reporter): Node {
  const known = { type: boolean, optional: false, span }
  const of = required(list, reporter)
  if (of.type.kind === 'map' && value.type.kind === 'string')
    return callOf(isKeyOf, [required(value, reporter), of], boolean, span)
  if (isBroken(value.type) || isBroken(of.type)) return { ...brokenNode(span), type: boolean }
  if (of.type.kind !== 'list') {
    const isField = of.type.kind === 'object' && of.op !== 'object' && value.op === 'constant'
    const text =
      of.type.kind === 'string'
        ? `contains(${reporter.textOf(of.span)}, ${reporter.textOf(value.span)}) searches text`
        : isField && typeof value.value === 'string'
          ? `has(${reporter.textOf(of.span)}.${quotedName(value.value)}) tests for a field`
          : of.op === 'object'
            ? 'a list is written in square brackets: [1, 2]'
            : undefined
    reporter.report({
      code: 'wrong_type',
      message: `in searches a list, or the keys of a map, not ${describe(of.type)}`,
      span: of.span,
      expected: 'list',
      got: describe(of.type),
      ...hint(text),
    })
    return { ...brokenNode(span), type: boolean }
  }
  if (of.op === 'list' && of.items.length > 0) return inWritten(value, of, of.items, span, reporter)
  const element = of.type.of
  const type = unify(value.type, element.type)
  // The elements are not converted, so the value is.
  const converted =
    type && (isNothing(element.type) || element.type.kind === type.kind || type.kind === 'number')
      ? coerce(value, type)
      : undefined
  if (
    !converted ||
    (type?.kind === 'decimal' && element.type.kind === 'decimal' && type.scale !== element.type.scale) ||
    (!isNothing(element.type) && instantDigits(type!) !== instantDigits(element.type))
  ) {
    return { ...incomparable('in', value, { ...of, type: element.type }, span, reporter), type: boolean }
  }
  const facts = { yes: element.optional ? noFacts.yes : present(value), no: noFacts.yes }
  return { op: 'in', value: converted, list: of, deep: isDeep(type!), ...known, facts }
}

/** A literal list: value and elements are converted to one type. */
function inWritten(
  value: Node,
  list: Node & { op: 'list' },
  items: readonly Node[],
  span: Span,
  reporter: Reporter,
): Node {
  const type = unifyAll([value, ...items])
  if (typeof type === 'number') return { ...incomparable('in', value, items[type - 1]!, span, reporter), type: boolean }
  const optional = items.some((item) => item.optional)
  const converted: Node = {
    ...list,
    items: items.map((item) => coerce(item, type)),
    type: { kind: 'list', of: { type, optional } },
  }
  const facts = { yes: optional ? noFacts.yes : present(value), no: noFacts.yes }
  return {
    op: 'in',
    value: coerce(value, type),
    list: converted,
    deep: isDeep(type),
    type: boolean,
    optional: false,
    span,
    facts,
  }
}
