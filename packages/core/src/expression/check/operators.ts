/** The meaning of each operator on each pair of types; what has none is a finding that says what would. */
import type { Type } from '../schema.ts'
import {
  addBigint,
  addInteger,
  addNumber,
  divideNumber,
  multiplyBigint,
  multiplyInteger,
  multiplyNumber,
  negateBigint,
  negateInteger,
  negateNumber,
  remainderBigint,
  remainderInteger,
  subtractBigint,
  subtractInteger,
  subtractNumber,
} from './arithmetic.ts'
import { addDecimal, compareDecimal, multiplyDecimal, negateDecimal, subtractDecimal } from './decimal.ts'
import { both, either, factsOf, noFacts, present } from './facts.ts'
import { type Reporter, required } from './report.ts'
import type { BinaryOperator, Span } from './syntax.ts'
import { compareText } from './text.ts'
import { addMs, betweenMs, subtractMs } from './time.ts'
import { brokenNode, describe, isBroken, isNothing, type Node, type Operation } from './typed.ts'
import { coerce, decimalType, digitsOf, literalDecimal, unify, unifyAll, unifyNodes } from './unify.ts'

type Sign = '+' | '-' | '*' | '/' | '%'
type Ordering = '<' | '<=' | '>' | '>='

const boolean: Type = { kind: 'boolean' }

const arithmetic: Readonly<Record<string, Operation>> = Object.fromEntries(
  (
    [
      ['integer +', addInteger],
      ['integer -', subtractInteger],
      ['integer *', multiplyInteger],
      ['integer %', remainderInteger],
      ['number +', addNumber],
      ['number -', subtractNumber],
      ['number *', multiplyNumber],
      ['number /', divideNumber],
      ['bigint +', addBigint],
      ['bigint -', subtractBigint],
      ['bigint *', multiplyBigint],
      ['bigint %', remainderBigint],
      ['timestamp +', addMs],
      ['timestamp -', subtractMs],
      ['timestamps -', betweenMs],
      ['integer negate', negateInteger],
      ['number negate', negateNumber],
      ['bigint negate', negateBigint],
      ['decimal negate', negateDecimal],
    ] as const
  ).map(([name, call]) => [name, { name, call }]),
)
const joined: Operation = { name: 'string +', call: (a: string, b: string) => a + b, inline: (a, b) => `(${a} + ${b})` }
const listsJoined: Operation = { name: 'list +', call: (a: unknown[], b: unknown[]) => [...a, ...b] }

const call = (operation: Operation, args: readonly Node[], type: Type, span: Span): Node => ({
  op: 'call',
  operation,
  args,
  nullable: false,
  type,
  optional: false,
  span,
})

/** `left sign right`. */
export function arithmeticNode(sign: Sign, left: Node, right: Node, span: Span, reporter: Reporter): Node {
  const a = required(left, reporter)
  const b = required(right, reporter)
  if (isBroken(a.type) || isBroken(b.type)) return brokenNode(span)
  const kinds = `${a.type.kind} ${sign} ${b.type.kind}`
  if (kinds === 'string + string') return call(joined, [a, b], a.type, span)
  if (kinds === 'list + list') {
    const type = unify(a.type, b.type)
    if (type) return call(listsJoined, [a, b], type, span)
  }
  if (kinds === 'timestamp + integer' || kinds === 'timestamp - integer') return call(arithmetic[`timestamp ${sign}`]!, [a, b], a.type, span)
  if (kinds === 'integer + timestamp') return call(arithmetic['timestamp +']!, [b, a], b.type, span)
  if (kinds === 'timestamp - timestamp') return call(arithmetic['timestamps -']!, [a, b], { kind: 'integer' }, span)
  return numeric(sign, a, b, span) ?? refuse(sign, a, b, span, reporter)
}

function numeric(sign: Sign, a: Node, b: Node, span: Span): Node | undefined {
  const type = unifyNodes(a, b)
  if (type?.kind === 'decimal') return decimals(sign, a, b, type, span)
  if (type?.kind !== 'integer' && type?.kind !== 'number' && type?.kind !== 'bigint') return undefined
  if (sign === '/' && type.kind === 'integer') return call(arithmetic['number /']!, [a, b], { kind: 'number' }, span)
  const operation = arithmetic[`${type.kind} ${sign}`]
  return operation && call(operation, [coerce(a, type), coerce(b, type)], type, span)
}

function decimals(sign: Sign, a: Node, b: Node, together: Type & { kind: 'decimal' }, span: Span): Node | undefined {
  const left = digitsOf(literalDecimal(a, b.type) ?? a.type)!
  const right = digitsOf(literalDecimal(b, a.type) ?? b.type)!
  if (sign === '*') {
    const type = decimalType(left.whole + right.whole, left.scale + right.scale)
    if (!type) return undefined
    const { scale, precision } = type
    const own = (node: Node, digits: { whole: number; scale: number }) => coerce(node, decimalType(digits.whole, digits.scale)!)
    return call(
      { name: 'decimal *', parameters: [left.scale, right.scale, precision], call: multiplyDecimal(scale, precision) },
      [own(a, left), own(b, right)],
      type,
      span,
    )
  }
  if (sign !== '+' && sign !== '-') return undefined
  const { scale } = together
  const type = decimalType(Math.max(left.whole, right.whole) + 1, scale)!
  const make = sign === '+' ? addDecimal : subtractDecimal
  const operation: Operation = { name: `decimal ${sign}`, parameters: [scale, type.precision], call: make(scale, type.precision) }
  return call(operation, [coerce(a, together), coerce(b, together)], type, span)
}

function refuse(sign: Sign, a: Node, b: Node, span: Span, reporter: Reporter): Node {
  const [left, right] = [describe(a.type), describe(b.type)]
  reporter.report({
    code: 'wrong_type',
    message: `${left} ${sign} ${right} has no meaning`,
    span,
    got: `${left} and ${right}`,
    ...hint(refusalHint(sign, a, b, reporter)),
  })
  return brokenNode(span)
}

const hint = (text: string | undefined) => (text ? { hint: text } : {})

function refusalHint(sign: Sign, a: Node, b: Node, reporter: Reporter): string | undefined {
  const [x, y] = [reporter.textOf(a.span), reporter.textOf(b.span)]
  const kinds = [a.type.kind, b.type.kind]
  const has = (kind: Type['kind']) => kinds.includes(kind)
  if (sign === '+' && kinds[0] === 'string') return `string(${y}) makes text of it`
  if (sign === '+' && kinds[1] === 'string') return `string(${x}) makes text of it`
  if (has('json')) return 'a JSON value is converted first: int(), double(), decimal() or string()'
  if (has('string')) return 'text is converted first: int(), double() or decimal()'
  if (has('date')) return 'add_days(date, n) and days_between(from, to) count in days'
  if (sign === '/' && (has('decimal') || has('bigint')) && !has('number'))
    return has('decimal') ? `divide(${x}, ${y}, 2) rounds to 2 digits; double() gives a number` : `double(${x}) / double(${y}) gives a number`
  if (has('decimal') && has('number')) return 'a number is not exact: decimal(x, precision, scale) or double() makes them one type'
  if (has('bigint') && has('number')) return 'double() makes a number of a bigint'
  if (sign === '%') return '% is for whole numbers'
  return undefined
}

/** `-value`. */
export function negateNode(value: Node, span: Span, reporter: Reporter): Node {
  const node = required(value, reporter)
  if (isBroken(node.type)) return node
  const operation = arithmetic[`${node.type.kind} negate`]
  if (operation) return call(operation, [node], node.type, span)
  reporter.report({ code: 'wrong_type', message: `-${describe(node.type)} has no meaning`, span: node.span, expected: 'a number', got: describe(node.type) })
  return brokenNode(span)
}

/** `left == right`, `left != right`: null is a value like any other. */
export function equalNode(negated: boolean, left: Node, right: Node, span: Span, reporter: Reporter): Node {
  if (isBroken(left.type) || isBroken(right.type)) return { ...brokenNode(span), type: boolean }
  const known = { type: boolean, optional: false, span }
  const nullSide = isNothing(left.type) ? right : isNothing(right.type) ? left : undefined
  if (nullSide) {
    const facts = { yes: present(nullSide), no: noFacts.yes }
    const isPresent: Node = { op: 'present', value: nullSide, ...known, facts }
    return negated ? isPresent : { op: 'not', value: isPresent, ...known, facts: { yes: facts.no, no: facts.yes } }
  }
  const type = unifyNodes(left, right)
  if (!type) return { ...incomparable(negated ? '!=' : '==', left, right, span, reporter), type: boolean }
  // Equal to what is not null is not null.
  const proof = both(right.optional ? noFacts.yes : present(left), left.optional ? noFacts.yes : present(right))
  const facts = negated ? { yes: noFacts.yes, no: proof } : { yes: proof, no: noFacts.yes }
  return { op: 'equal', left: coerce(left, type), right: coerce(right, type), negated, deep: isDeep(type), ...known, facts }
}

/** `===` does not tell whether two values of the type are equal. */
const isDeep = (type: Type): boolean => type.kind === 'bytes' || type.kind === 'list' || type.kind === 'object' || type.kind === 'json'

/** `left < right` and the like. */
export function orderNode(operator: Ordering, left: Node, right: Node, span: Span, reporter: Reporter): Node {
  const a = required(left, reporter)
  const b = required(right, reporter)
  if (isBroken(a.type) || isBroken(b.type)) return { ...brokenNode(span), type: boolean }
  const type = unifyNodes(a, b)
  const operation = type && ordering(operator, type)
  if (!operation) return { ...incomparable(operator, a, b, span, reporter), type: boolean }
  return call(operation, [coerce(a, type), coerce(b, type)], boolean, span)
}

/** The comparison of two values of a type, by the sign of their order; undefined: they have none. */
export function ordering(operator: Ordering, type: Type): Operation | undefined {
  const name = `${type.kind} ${operator}`
  if (type.kind === 'string') return compared(name, operator, compareText)
  if (type.kind === 'decimal') return compared(name, operator, compareDecimal)
  if (!['integer', 'number', 'bigint', 'timestamp', 'date'].includes(type.kind)) return undefined
  return { ...compared(name, operator, (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0)), inline: (a, b) => `(${a} ${operator} ${b})` }
}

function compared<T>(name: string, operator: Ordering, compare: (a: T, b: T) => number): Operation {
  if (operator === '<') return { name, call: (a: T, b: T) => compare(a, b) < 0 }
  if (operator === '<=') return { name, call: (a: T, b: T) => compare(a, b) <= 0 }
  if (operator === '>') return { name, call: (a: T, b: T) => compare(a, b) > 0 }
  return { name, call: (a: T, b: T) => compare(a, b) >= 0 }
}

function incomparable(operator: BinaryOperator, a: Node, b: Node, span: Span, reporter: Reporter): Node {
  const [left, right] = [describe(a.type), describe(b.type)]
  const message = unify(a.type, b.type) ? `values of type ${left} have no order` : `${left} and ${right} cannot be compared`
  reporter.report({
    code: 'wrong_type',
    message: `${message} with ${operator}`,
    span,
    got: `${left} and ${right}`,
    ...hint(comparisonHint(operator, a, b, reporter)),
  })
  return brokenNode(span)
}

const fromText: Readonly<Record<string, string>> = { integer: 'int', bigint: 'bigint', number: 'double', date: 'date', timestamp: 'timestamp', boolean: 'bool' }

function comparisonHint(operator: BinaryOperator, a: Node, b: Node, reporter: Reporter): string | undefined {
  const [text, other] = a.type.kind === 'string' ? [a, b] : [b, a]
  if (text.type.kind === 'string') {
    const written = text.op === 'constant' ? reporter.textOf(text.span) : undefined
    if (other.type.kind === 'json') return `string(${reporter.textOf(other.span)}) makes text of it`
    if (written && (other.type.kind === 'integer' || other.type.kind === 'number') && /^["'][\d.]+["']$/.test(written))
      return `write the number without quotes: ${written.slice(1, -1)}`
    // The elements of a list stay as they are.
    if (operator === 'in' && text === b) return `string(${reporter.textOf(a.span)}) makes text of it`
    const name = fromText[other.type.kind]
    if (name) return `${name}(${reporter.textOf(text.span)}) makes ${/^[aeiou]/.test(other.type.kind) ? 'an' : 'a'} ${other.type.kind} of it`
  }
  const kinds = [a.type.kind, b.type.kind]
  if (kinds.includes('json')) return 'a JSON value is converted first: int(), double(), bool() or string()'
  if (kinds.includes('date') && kinds.includes('timestamp'))
    return `date(${reporter.textOf((a.type.kind === 'timestamp' ? a : b).span)}) is the date of a timestamp`
  if (kinds.includes('decimal') && kinds.includes('number')) return 'a number is not exact: decimal(x, precision, scale) or double() makes them one type'
  if (kinds.includes('bigint') && kinds.includes('number')) return 'double() makes a number of a bigint'
  return undefined
}

/** `value in list`: equality with one of its elements. */
export function inNode(value: Node, list: Node, span: Span, reporter: Reporter): Node {
  const known = { type: boolean, optional: false, span }
  const of = required(list, reporter)
  if (isBroken(value.type) || isBroken(of.type)) return { ...brokenNode(span), type: boolean }
  if (of.type.kind !== 'list') {
    const object = of.type.kind === 'object' && value.op === 'constant' ? `has(${reporter.textOf(of.span)}.${String(value.value)})` : undefined
    const text =
      of.type.kind === 'string'
        ? `contains(${reporter.textOf(of.span)}, ${reporter.textOf(value.span)}) looks into text`
        : object && `${object} asks for a field`
    reporter.report({
      code: 'wrong_type',
      message: `in looks into a list, not into ${describe(of.type)}`,
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
  // The elements stay as they are, so it is the value that is converted.
  const converted = type && (isNothing(element.type) || element.type.kind === type.kind || type.kind === 'number') ? coerce(value, type) : undefined
  if (!converted || (type?.kind === 'decimal' && element.type.kind === 'decimal' && type.scale !== element.type.scale)) {
    return { ...incomparable('in', value, { ...of, type: element.type }, span, reporter), type: boolean }
  }
  const facts = { yes: element.optional ? noFacts.yes : present(value), no: noFacts.yes }
  return { op: 'in', value: converted, list: of, deep: isDeep(type!), ...known, facts }
}

/** A list that stands in the expression: value and elements become one type. */
function inWritten(value: Node, list: Node & { op: 'list' }, items: readonly Node[], span: Span, reporter: Reporter): Node {
  const type = unifyAll([value, ...items])
  if (typeof type === 'number') return { ...incomparable('in', value, items[type - 1]!, span, reporter), type: boolean }
  const optional = items.some((item) => item.optional)
  const converted: Node = { ...list, items: items.map((item) => coerce(item, type)), type: { kind: 'list', of: { type, optional } } }
  const facts = { yes: optional ? noFacts.yes : present(value), no: noFacts.yes }
  return { op: 'in', value: coerce(value, type), list: converted, deep: isDeep(type), type: boolean, optional: false, span, facts }
}

/** All or one of them, each after those before it. */
export function logicNode(op: 'and' | 'or', items: readonly Node[], span: Span): Node {
  let { yes, no } = factsOf(items[0]!)
  for (const item of items.slice(1)) {
    const next = factsOf(item)
    // Where `and` is false by a later item, the earlier ones were true; so with `or` the other way round.
    if (op === 'and') [yes, no] = [both(yes, next.yes), either(no, both(yes, next.no))]
    else [yes, no] = [either(yes, both(no, next.yes)), both(no, next.no)]
  }
  return { op, items, type: boolean, optional: false, span, facts: { yes, no } }
}
