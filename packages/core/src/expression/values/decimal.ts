/**
 * Exact arithmetic on decimals, which are text in memory: `"-12.30"` is -1230 at scale 2. Values whose unscaled whole
 * number is within 2^53 are computed as doubles as long as the result stays in that range too; all others as BigInt. A
 * result with more digits than its type is `out_of_range`.
 */
import { DataError } from '../../errors/index.ts'

const safe = Number.MAX_SAFE_INTEGER

/** The unscaled whole number of a decimal: `"-12.30"` is -1230n. */
export const unscaled = (text: string): bigint => BigInt(text.replace('.', ''))

/** The same as a number; NaN if it is beyond 2^53 and might not be exact. */
export function small(text: string): number {
  const { length } = text
  if (length > 16) return Number.NaN
  const negative = text.charCodeAt(0) === 45
  let value = 0
  for (let i = negative ? 1 : 0; i < length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit >= 0) value = value * 10 + digit
  }
  // 16 digits may be beyond it; rounding never brings one below.
  if (value > safe) return Number.NaN
  return negative ? 0 - value : value
}

/** A whole number at a scale as text: (-5, 2) is `"-0.05"`. */
export function pointed(value: bigint | number, scale: number): string {
  const negative = value < 0
  const digits = String(negative ? -value : value)
  if (scale === 0) return negative ? `-${digits}` : digits
  const padded = digits.length > scale ? digits : digits.padStart(scale + 1, '0')
  const point = padded.length - scale
  return `${negative ? '-' : ''}${padded.slice(0, point)}.${padded.slice(point)}`
}

/** The same if it has at most `precision` digits. Throws `out_of_range`. */
export function decimalText(value: bigint | number, scale: number, precision: number): string {
  const text = pointed(value, scale)
  // A sign, a point and a zero before it are not digits.
  if (text.length > precision && String(value < 0 ? -value : value).length > precision)
    throw new DataError(
      'out_of_range',
      `${text} has more than the ${precision} digits of decimal(${precision},${scale})`,
    )
  return text
}

/** Also false for NaN. */
const isExact = (value: number): boolean => value <= safe && value >= -safe

type Decimal2 = (a: string, b: string) => string

/** a + b, both of `scale`. */
export const addDecimal =
  (scale: number, precision: number): Decimal2 =>
  (a, b) => {
    const sum = small(a) + small(b)
    return decimalText(isExact(sum) ? sum : unscaled(a) + unscaled(b), scale, precision)
  }

export const subtractDecimal =
  (scale: number, precision: number): Decimal2 =>
  (a, b) => {
    const difference = small(a) - small(b)
    return decimalText(isExact(difference) ? difference : unscaled(a) - unscaled(b), scale, precision)
  }

/** a * b of any scales; `scale` is that of the product, the sum of theirs. */
export const multiplyDecimal =
  (scale: number, precision: number): Decimal2 =>
  (a, b) => {
    const product = small(a) * small(b) + 0
    return decimalText(isExact(product) ? product : unscaled(a) * unscaled(b), scale, precision)
  }

/** a / b of one scale, rounded half away from zero to `scale` digits. */
export const divideDecimal =
  (scale: number, precision: number): Decimal2 =>
  (a, b) => {
    const divisor = unscaled(b)
    if (divisor === 0n) throw new DataError('division_by_zero', `${a} / ${b}: division by zero`)
    return decimalText(roundedQuotient(unscaled(a) * 10n ** BigInt(scale), divisor), scale, precision)
  }

/** a / b to the nearest whole number, half away from zero. */
export function roundedQuotient(a: bigint, b: bigint): bigint {
  const doubled = 2n * (a < 0n ? -a : a) + (b < 0n ? -b : b)
  const rounded = doubled / (2n * (b < 0n ? -b : b))
  return a < 0n === b < 0n ? rounded : -rounded
}

/** Below, equal, above: negative, 0, positive. Both of one scale. */
export function compareDecimal(a: string, b: string): number {
  const difference = small(a) - small(b)
  // Even if rounded, it has the right sign.
  if (difference - difference === 0) return difference
  const left = unscaled(a)
  const right = unscaled(b)
  return left < right ? -1 : left > right ? 1 : 0
}

/** The same for two scales, with any number of digits. */
export const compareScaled =
  (left: number, right: number) =>
  (a: string, b: string): number => {
    const [x, y] = [
      unscaled(a) * 10n ** BigInt(Math.max(0, right - left)),
      unscaled(b) * 10n ** BigInt(Math.max(0, left - right)),
    ]
    return x < y ? -1 : x > y ? 1 : 0
  }

/** More digits after the point: `"1.5"` to scale 3 is `"1.500"`. */
export function widenDecimal(text: string, from: number, to: number): string {
  if (from === to) return text
  return (from === 0 ? `${text}.` : text) + '0'.repeat(to - from)
}

export type Rounding = 'round' | 'floor' | 'ceil'

/** Fewer digits after the point; `round` rounds half away from zero. */
export const cutDecimal =
  (how: Rounding, from: number, to: number, precision: number): ((text: string) => string) =>
  (text) => {
    const value = unscaled(text)
    const unit = 10n ** BigInt(from - to)
    if (how === 'round') return decimalText(roundedQuotient(value, unit), to, precision)
    const cut = value / unit
    const rest = value - cut * unit
    return decimalText(how === 'floor' ? cut - (rest < 0n ? 1n : 0n) : cut + (rest > 0n ? 1n : 0n), to, precision)
  }

export const negateDecimal = (text: string): string =>
  text.startsWith('-') ? text.slice(1) : /[1-9]/.test(text) ? `-${text}` : text
export const absDecimal = (text: string): string => (text.startsWith('-') ? text.slice(1) : text)
