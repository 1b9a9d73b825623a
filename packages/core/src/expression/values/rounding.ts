/**
 * Rounds doubles, halves away from zero, where a double counts as its printed digits: 2.675 is a half although its
 * binary value is below. Far from a half the binary value decides, which is fast; near one the digits do.
 */
import { DataError } from '../../errors/index.ts'
import type { Rounding } from './decimal.ts'

const most = Number.MAX_SAFE_INTEGER

/** To a whole number. Throws `out_of_range` beyond +-(2^53-1). */
export function wholeNumber(how: Rounding): (x: number) => number {
  // Math.round is exact, but rounds halves upward.
  const round =
    how === 'floor' ? Math.floor : how === 'ceil' ? Math.ceil : (x: number) => (x < 0 ? -Math.round(-x) : Math.round(x))
  return (x) => {
    const made = round(x) + 0 // never -0
    if (made > most || made < -most)
      throw new DataError('out_of_range', `${x} is not a whole number within +-9007199254740991`)
    return made
  }
}

/** To `digits` after the point. */
export function roundNumber(digits: number): (x: number) => number {
  const unit = 10 ** digits
  return (x) => {
    const size = Math.abs(x)
    const scaled = size * unit
    const whole = Math.floor(scaled)
    const rest = scaled - whole
    // Below 10^9 the multiplication is off by less than 10^-6; powers of ten up to 10^22 are exact.
    if (!(scaled < 1e9) || digits > 22 || Math.abs(rest - 0.5) < 1e-6) return byDigits(x, digits)
    const made = (rest > 0.5 ? whole + 1 : whole) / unit
    return x < 0 ? 0 - made : made
  }
}

/** The same by the digits of the shortest text. */
function byDigits(x: number, digits: number): number {
  const [mantissa, exponent = '0'] = Math.abs(x).toString().split('e')
  const [whole, fraction = ''] = mantissa!.split('.')
  const drop = fraction.length - Number(exponent) - digits
  if (drop <= 0) return x
  const all = BigInt(whole! + fraction)
  const unit = 10n ** BigInt(drop)
  const rounded = (2n * all + unit) / (2n * unit)
  const made = Number(`${rounded}e-${digits}`)
  return x < 0 ? 0 - made : made
}
