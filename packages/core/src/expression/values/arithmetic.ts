/**
 * Arithmetic that never wraps, rounds or leaves its type: integers within +-(2^53-1), bigints within 64 bits, numbers
 * without NaN and infinity. Anything else is a `DataError`: `out_of_range` or `division_by_zero`. A sum or product of
 * integers that is within range is exact: one that is not is at least 2^53 as a double.
 */
import { DataError } from '../../errors/index.ts'

const most = Number.MAX_SAFE_INTEGER
const most64 = 2n ** 63n - 1n
const least64 = -(2n ** 63n)

type Num = number | bigint

const beyond = (sign: string, a: Num, b: Num, limit: string, hint: string): DataError =>
  new DataError('out_of_range', `${operand(a)} ${sign} ${operand(b)} is beyond ${limit}${hint}`)
const operand = (value: Num): string => (value < 0 ? `(${value})` : `${value}`)
const beyondInteger = (sign: string, a: number, b: number): DataError =>
  beyond(sign, a, b, '+-9007199254740991', ': use bigint() or decimal()')
const beyondBigint = (sign: string, a: bigint, b: bigint): DataError => beyond(sign, a, b, '64 bits', ': use decimal()')
const beyondNumber = (sign: string, a: number, b: number): DataError => beyond(sign, a, b, 'the range of a number', '')
const byZero = (sign: string, a: Num): DataError =>
  new DataError('division_by_zero', `${operand(a)} ${sign} 0: division by zero`)

export function addInteger(a: number, b: number): number {
  const made = a + b
  if (made > most || made < -most) throw beyondInteger('+', a, b)
  return made
}

export function subtractInteger(a: number, b: number): number {
  const made = a - b
  if (made > most || made < -most) throw beyondInteger('-', a, b)
  return made
}

export function multiplyInteger(a: number, b: number): number {
  const made = a * b + 0 // never -0
  if (made > most || made < -most) throw beyondInteger('*', a, b)
  return made
}

/** The remainder of a division truncated toward zero: it has the sign of `a`. */
export function remainderInteger(a: number, b: number): number {
  if (b === 0) throw byZero('%', a)
  return (a % b) + 0
}

export const negateInteger = (a: number): number => 0 - a
export const absInteger = (a: number): number => (a < 0 ? -a : a)

export function addNumber(a: number, b: number): number {
  const made = a + b
  if (made - made !== 0) throw beyondNumber('+', a, b)
  return made
}

export function subtractNumber(a: number, b: number): number {
  const made = a - b
  if (made - made !== 0) throw beyondNumber('-', a, b)
  return made
}

export function multiplyNumber(a: number, b: number): number {
  const made = a * b
  if (made - made !== 0) throw beyondNumber('*', a, b)
  return made
}

/** Real division, even of integers: 7 / 2 is 3.5. */
export function divideNumber(a: number, b: number): number {
  if (b === 0) throw byZero('/', a)
  const made = a / b
  if (made - made !== 0) throw beyondNumber('/', a, b)
  return made
}

export const negateNumber = (a: number): number => -a
export const absNumber = (a: number): number => Math.abs(a)

export function addBigint(a: bigint, b: bigint): bigint {
  const made = a + b
  if (made > most64 || made < least64) throw beyondBigint('+', a, b)
  return made
}

export function subtractBigint(a: bigint, b: bigint): bigint {
  const made = a - b
  if (made > most64 || made < least64) throw beyondBigint('-', a, b)
  return made
}

export function multiplyBigint(a: bigint, b: bigint): bigint {
  const made = a * b
  if (made > most64 || made < least64) throw beyondBigint('*', a, b)
  return made
}

export function remainderBigint(a: bigint, b: bigint): bigint {
  if (b === 0n) throw byZero('%', a)
  return a % b
}

export const negateBigint = (a: bigint): bigint => subtractBigint(0n, a)
export const absBigint = (a: bigint): bigint => (a < 0n ? subtractBigint(0n, a) : a)
