/**
 * The meaning of each operator for each pair of types; for a pair without one, the finding says which conversion would
 * help.
 */
import type { Type } from '../../schema/index.ts'
import type { Span } from '../read/syntax.ts'
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
} from '../values/arithmetic.ts'
import { addDecimal, multiplyDecimal, negateDecimal, subtractDecimal } from '../values/decimal.ts'
import { addMs, betweenMs, subtractMs } from '../values/time.ts'
import { both, either, factsOf } from './facts.ts'
import { type Reporter, required } from './report.ts'
import { brokenNode, callOf, describe, isBroken, type Node, type Operation } from './typed.ts'
import { coerce, decimalType, digitsOf, literalDecimal, unify, unifyNodes } from './unify.ts'

type Sign = '+' | '-' | '*' | '/' | '%'

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

/** `left sign right`. */
export function arithmeticNode(sign: Sign, left: Node, right: Node, span: Span, reporter: Reporter): Node {
  const a = required(left, reporter)
  const b = required(right, reporter)
  if (isBroken(a.type) || isBroken(b.type)) return brokenNode(span)
  const kinds = `${a.type.kind} ${sign} ${b.type.kind}`
  if (kinds === 'string + string') return callOf(joined, [a, b], a.type, span)
  if (kinds === 'list + list') {
    const type = unify(a.type, b.type)
    if (type) return callOf(listsJoined, [a, b], type, span)
  }
  if (kinds === 'timestamp + integer' || kinds === 'timestamp - integer')
    return callOf(arithmetic[`timestamp ${sign}`]!, [a, b], a.type, span)
  if (kinds === 'integer + timestamp') return callOf(arithmetic['timestamp +']!, [b, a], b.type, span)
  if (kinds === 'timestamp - timestamp') return callOf(arithmetic['timestamps -']!, [a, b], { kind: 'integer' }, span)
  return numeric(sign, a, b, span) ?? refuse(sign, a, b, span, reporter)
}

function numeric(sign: Sign, a: Node, b: Node, span: Span): Node | undefined {
  const type = unifyNodes(a, b)
  if (type?.kind === 'decimal') return decimals(sign, a, b, type, span)
  if (type?.kind !== 'integer' && type?.kind !== 'number' && type?.kind !== 'bigint') return undefined
  if (sign === '/' && type.kind === 'integer') return callOf(arithmetic['number /']!, [a, b], { kind: 'number' }, span)
  const operation = arithmetic[`${type.kind} ${sign}`]
  return operation && callOf(operation, [coerce(a, type), coerce(b, type)], type, span)
}

function decimals(sign: Sign, a: Node, b: Node, together: Type & { kind: 'decimal' }, span: Span): Node | undefined {
  const left = digitsOf(literalDecimal(a, b.type) ?? a.type)!
  const right = digitsOf(literalDecimal(b, a.type) ?? b.type)!
  if (sign === '*') {
    const type = decimalType(left.whole + right.whole, left.scale + right.scale)
    if (!type) return undefined
    const { scale, precision } = type
    const own = (node: Node, digits: { whole: number; scale: number }) =>
      coerce(node, decimalType(digits.whole, digits.scale)!)
    return callOf(
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
  const operation: Operation = {
    name: `decimal ${sign}`,
    parameters: [scale, type.precision],
    call: make(scale, type.precision),
  }
  return callOf(operation, [coerce(a, together), coerce(b, together)], type, span)
}

function refuse(sign: Sign, a: Node, b: Node, span: Span, reporter: Reporter): Node {
  const [left, right] = [describe(a.type), describe(b.type)]
  reporter.report({
    code: 'wrong_type',
    message: `${left} ${sign} ${right} is not defined`,
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
  if (sign === '+' && kinds[0] === 'string') return `string(${y}) converts it to text`
  if (sign === '+' && kinds[1] === 'string') return `string(${x}) converts it to text`
  if (has('json')) return 'convert the JSON value first: int(), double(), decimal() or string()'
  if (has('string')) return 'convert the text first: int(), double() or decimal()'
  if (has('date')) return 'use add_days(date, n) and days_between(from, to) for days'
  if (sign === '/' && (has('decimal') || has('bigint')) && !has('number'))
    return has('decimal')
      ? `divide(${x}, ${y}, 2) rounds to 2 digits; double() gives a number`
      : `double(${x}) / double(${y}) gives a number`
  if (has('decimal') && has('number'))
    return 'a number is not exact: use decimal(x, precision, scale) or double() for a common type'
  if (has('bigint') && has('number')) return 'double() converts a bigint to a number'
  if (sign === '%') return '% is for whole numbers'
  return undefined
}

/** `-value`. */
export function negateNode(value: Node, span: Span, reporter: Reporter): Node {
  const node = required(value, reporter)
  if (isBroken(node.type)) return node
  const operation = arithmetic[`${node.type.kind} negate`]
  if (operation) return callOf(operation, [node], node.type, span)
  reporter.report({
    code: 'wrong_type',
    message: `-${describe(node.type)} is not defined`,
    span: node.span,
    expected: 'a number',
    got: describe(node.type),
  })
  return brokenNode(span)
}

/** A chain of `and` or `or`: each item is checked with the facts of those before it. */
export function logicNode(op: 'and' | 'or', items: readonly Node[], span: Span): Node {
  let { yes, no } = factsOf(items[0]!)
  for (const item of items.slice(1)) {
    const next = factsOf(item)
    // If `and` is false because of a later item, the earlier ones were true; for `or` it is the other way round.
    if (op === 'and') [yes, no] = [both(yes, next.yes), either(no, both(yes, next.no))]
    else [yes, no] = [either(yes, both(no, next.yes)), both(no, next.no)]
  }
  return { op, items, type: boolean, optional: false, span, facts: { yes, no } }
}
