/**
 * Compatible types: the one type that can represent the values of both, and the conversions to it. integer is
 * compatible with number (the same in memory), with bigint and with decimal; bigint with decimal; decimals of different
 * scales with each other, and timestamps of different digits. A number never becomes a decimal or bigint by itself, but
 * a number literal is exactly its digits.
 */
import { type Field, isNested, type RecordType, type Type } from '../../schema/index.ts'
import { DataError } from '../../errors/index.ts'
import { decimalText, unscaled, widenDecimal } from '../values/decimal.ts'
import { broken, isBroken, isNothing, type Node, nothing, type Operation } from './typed.ts'

export const maxPrecision = 38

/** Digits before and after the point that can represent every value of the type. */
export function digitsOf(type: Type): { whole: number; scale: number } | undefined {
  if (type.kind === 'integer') return { whole: 16, scale: 0 }
  if (type.kind === 'bigint') return { whole: 19, scale: 0 }
  return type.kind === 'decimal' ? { whole: type.precision - type.scale, scale: type.scale } : undefined
}

/** The decimal with these digits, with fewer before the point if 38 are not enough; undefined: too many after it. */
export function decimalType(whole: number, scale: number): (Type & { kind: 'decimal' }) | undefined {
  return scale > maxPrecision
    ? undefined
    : { kind: 'decimal', precision: Math.min(maxPrecision, Math.max(1, whole + scale)), scale }
}

/** Digits of the second that an instant has; undefined: the type is no instant. */
export const instantDigits = (type: Type): 3 | 6 | 9 | undefined =>
  type.kind === 'timestamp' ? 3 : type.kind === 'fine_timestamp' ? type.precision : undefined

/** The type that can represent the values of both; undefined: there is none. */
export function unify(a: Type, b: Type): Type | undefined {
  if (isBroken(a) || isBroken(b)) return broken
  if (isNothing(a)) return b
  if (isNothing(b)) return a
  if (a.kind === 'decimal' || b.kind === 'decimal') {
    const left = digitsOf(a)
    const right = digitsOf(b)
    return left && right && decimalType(Math.max(left.whole, right.whole), Math.max(left.scale, right.scale))
  }
  if (isNested(a) && isNested(b) && a.kind === b.kind) {
    const of = unifyInPlace(a.of, b.of)
    return of && { kind: a.kind, of }
  }
  if (a.kind === 'object' && b.kind === 'object') {
    const record = unifyRecords(a.record, b.record)
    return record && { kind: 'object', record }
  }
  const [left, right] = [instantDigits(a), instantDigits(b)]
  if (left && right) return left < right ? b : a
  if (a.kind === b.kind) return a
  const kinds = [a.kind, b.kind]
  if (!kinds.includes('integer')) return undefined
  return kinds.includes('number') ? { kind: 'number' } : kinds.includes('bigint') ? { kind: 'bigint' } : undefined
}

/** Inside lists and objects nothing is converted: the values must be the same in memory. */
function unifyInPlace(a: Field, b: Field): Field | undefined {
  const type = unify(a.type, b.type)
  const isSame = (from: Type) =>
    isNothing(from) || from.kind === type?.kind || (from.kind === 'integer' && type?.kind === 'number')
  if (!type || (!isBroken(type) && !(isSame(a.type) && isSame(b.type)))) return undefined
  if (a.type.kind === 'decimal' && b.type.kind === 'decimal' && a.type.scale !== b.type.scale) return undefined
  if (!isNothing(a.type) && !isNothing(b.type) && instantDigits(a.type) !== instantDigits(b.type)) return undefined
  return { type, optional: a.optional || b.optional }
}

function unifyRecords(a: RecordType, b: RecordType): RecordType | undefined {
  const names = Object.keys(a.fields)
  if (names.length !== Object.keys(b.fields).length) return undefined
  const fields: [string, Field][] = []
  for (const name of names) {
    const field = Object.hasOwn(b.fields, name) ? unifyInPlace(a.fields[name]!, b.fields[name]!) : undefined
    if (!field) return undefined
    fields.push([name, field])
  }
  return { fields: Object.fromEntries(fields) }
}

/**
 * The common type of several nodes, where a number literal may be a decimal; otherwise the index of the first one that
 * is not compatible with those before it.
 */
export function unifyAll(nodes: readonly Node[]): Type | number {
  const decimal = nodes.find((node) => node.type.kind === 'decimal')?.type
  let all: Type = nothing
  for (const [i, node] of nodes.entries()) {
    const type = unify(all, (decimal && literalDecimal(node, decimal)) ?? node.type)
    if (!type) return i
    all = type
  }
  // A number literal is converted now, so it must fit.
  const tooLong = nodes.findIndex((node) => node.op === 'constant' && !fitsInto(all, literalDecimal(node, all)))
  return tooLong < 0 ? all : tooLong
}

/** Whether every value of a decimal type can be written with the digits of another. */
function fitsInto(type: Type, own: Type | undefined): boolean {
  if (type.kind !== 'decimal' || own?.kind !== 'decimal') return true
  return own.precision - own.scale + type.scale <= maxPrecision
}

/**
 * Two decimals for which no type of 38 digits can represent both, each with its own type: they are compared directly.
 * Undefined: there is a common type, or they are not decimals.
 */
export function apart(a: Node, b: Node): readonly [Node, Node] | undefined {
  if (a.type.kind !== 'decimal' && b.type.kind !== 'decimal') return undefined
  const [left, right] = [a, b].map((node, i) => digitsOf(literalDecimal(node, [b, a][i]!.type) ?? node.type))
  if (!left || !right || Math.max(left.whole, right.whole) + Math.max(left.scale, right.scale) <= maxPrecision)
    return undefined
  const own = (node: Node, { whole, scale }: { whole: number; scale: number }) =>
    coerce(node, decimalType(whole, scale)!)
  return [own(a, left), own(b, right)]
}

/** The same for two; undefined: they are not compatible. */
export function unifyNodes(a: Node, b: Node): Type | undefined {
  const type = unifyAll([a, b])
  return typeof type === 'number' ? undefined : type
}

/**
 * The type of a number literal next to a decimal: `1.19` is a decimal(3,2), `2` a decimal(1,0). Undefined: it is not
 * one, or has more than 38 digits.
 */
export function literalDecimal(node: Node, beside: Type): Type | undefined {
  if (node.op !== 'constant' || beside.kind !== 'decimal') return undefined
  const exact =
    node.exact ??
    (node.type.kind === 'integer' || node.type.kind === 'bigint'
      ? { digits: BigInt(node.value as number), scale: 0 }
      : undefined)
  if (!exact || Math.abs(exact.scale) > maxPrecision) return undefined
  const scale = Math.max(0, exact.scale)
  const digits = exact.digits * 10n ** BigInt(scale - exact.scale)
  const whole = Math.max(0, String(digits < 0n ? -digits : digits).length - scale)
  return whole + scale > maxPrecision ? undefined : decimalType(whole, scale)
}

const conversion = (name: string, call: Operation['call'], parameters: readonly number[] = []): Operation => ({
  name,
  parameters,
  call,
  monotone: true,
})
const toBigint = conversion('integer to bigint', (value: number) => BigInt(value))

/** Throws `DataError` for an instant that does not fit in 64 bits. */
const finerInstant = (factor: bigint) => (value: number | bigint) => {
  const units = BigInt(value) * factor
  if (BigInt.asIntN(64, units) === units) return units
  throw new DataError('out_of_range', `the instant, ${value} with ${factor} times finer units, does not fit in 64 bits`)
}

/** The node as a value of a type that `unify` returned. Constants are converted immediately; null stays null. */
export function coerce(node: Node, type: Type): Node {
  const from = node.type
  if (isBroken(from) || isBroken(type) || isNothing(from)) return { ...node, type }
  const isFiner = instantDigits(from) !== instantDigits(type)
  const isWider = from.kind === 'decimal' && type.kind === 'decimal' && from.scale !== type.scale
  if (from.kind === type.kind && !isWider && !isFiner) return { ...node, type }
  // A whole number among numbers may still have to become a decimal.
  if (node.op === 'constant' && from.kind === 'integer' && type.kind === 'number')
    return { ...node, type, exact: { digits: BigInt(node.value as number), scale: 0 } }
  const operation = operationTo(node, type)
  if (!operation) return { ...node, type }
  if (node.op === 'constant' && node.value !== null) {
    try {
      const value = (operation.call as (value: unknown) => unknown)(node.value)
      return { op: 'constant', value, type, optional: false, span: node.span }
    } catch (error) {
      // It fails for each record, like any other value.
      if (!(error instanceof DataError)) throw error
    }
  }
  return {
    op: 'call',
    operation,
    args: [node],
    nullable: node.optional,
    type,
    optional: node.optional,
    span: node.span,
  }
}

function operationTo(node: Node, type: Type): Operation | undefined {
  const from = node.type
  if (type.kind === 'bigint') return toBigint
  if (type.kind === 'fine_timestamp') {
    const factor = 10 ** (type.precision - instantDigits(from)!)
    return conversion('finer instant', finerInstant(BigInt(factor)), [factor])
  }
  if (type.kind !== 'decimal') return undefined
  const { scale, precision } = type
  if (from.kind === 'number' && node.op === 'constant' && node.exact) {
    const { digits, scale: own } = node.exact
    return conversion('exact', () => decimalText(digits * 10n ** BigInt(scale - own), scale, precision))
  }
  // A value can only be too long if 38 digits are not enough for both.
  const fits = (digitsOf(from)?.whole ?? 0) + scale <= precision || node.op === 'constant'
  if (from.kind === 'decimal' && fits)
    return conversion('widen', (text: string) => widenDecimal(text, from.scale, scale), [from.scale, scale])
  if (from.kind === 'decimal')
    return conversion(
      'widen',
      (text: string) => decimalText(unscaled(widenDecimal(text, from.scale, scale)), scale, precision),
      [from.scale, scale, precision],
    )
  if (fits)
    return conversion('whole to decimal', (value: number | bigint) => widenDecimal(String(value), 0, scale), [scale])
  return conversion(
    'whole to decimal',
    (value: number | bigint) => decimalText(BigInt(value) * 10n ** BigInt(scale), scale, precision),
    [scale, precision],
  )
}
