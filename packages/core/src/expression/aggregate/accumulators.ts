/**
 * The state of each aggregate per group, and how a value is added. A state is one value: a number where that is enough,
 * otherwise an object. Exact sums are numbers while they are safe integers, and BigInt beyond that; sums of doubles
 * keep the error of each addition alongside the sum (Neumaier), so that their result does not depend on how the records
 * were batched. States are serialised as JSON, and two states of the same group can be merged.
 */
import { fromJson, toJson } from '../../convert/index.ts'
import { DataError } from '../../errors/index.ts'
import { cutLoose } from '../../record/flat.ts'
import type { Json } from '../../record/index.ts'
import type { Type } from '../../schema/index.ts'
import { ordering } from '../check/comparisons.ts'
import { maxPrecision } from '../check/unify.ts'
import { decimalText, roundedQuotient, small, unscaled } from '../values/decimal.ts'
import { compareText } from '../values/text.ts'

/** The place of a record in time: its event time, its split, and its position there. */
export type AddAt<S> = (state: S, value: never, time: number, split: string, position: string | number) => S

export interface Accumulator<S = unknown> {
  /** The type of the result, provided there was a value. */
  readonly type: Type
  /** null counts as a value (`count()` only). */
  readonly countsNull?: boolean
  /** `add` uses time, split and position. */
  readonly ordered?: boolean
  empty(): S
  readonly add: AddAt<S>
  merge(a: S, b: S): S
  /** The result; null if there was no value. Throws `DataError` if it does not fit. */
  result(state: S): unknown
  toJson(state: S): Json
  fromJson(json: Json): S
  /** For states that grow with their values: parts that do not change any more are saved by themselves, once. */
  readonly pieces?: Pieces<S>
}

/** Pieces of a state, in the order in which they were filled. `toJson` leaves out those that were taken. */
export interface Pieces<S> {
  /** How many are full and were not taken yet. */
  full(state: S): number
  /** How many were taken. */
  taken(state: S): number
  /** Takes those that are full. */
  take(state: S): readonly Json[]
  /** Those that were taken are to be taken again. */
  untake(state: S): void
  /** Puts a taken piece back into a state from `fromJson`. */
  restore(state: S, piece: Json): void
}

const integer: Type = { kind: 'integer' }
const plain = { toJson: (state: number): Json => state, fromJson: (json: Json): number => json as number }

export const count: Accumulator<number> = {
  type: integer,
  countsNull: true,
  empty: () => 0,
  add: (state) => state + 1,
  merge: (a, b) => a + b,
  result: (state) => state,
  ...plain,
}
export const countOf: Accumulator<number> = {
  type: integer,
  empty: () => 0,
  add: (state) => state + 1,
  merge: (a, b) => a + b,
  result: (state) => state,
  ...plain,
}

// --- sums ---

/** A whole number: a number while it is safe, a BigInt beyond that. */
type Whole = number | bigint

const most = Number.MAX_SAFE_INTEGER

function addWhole(state: Whole, value: Whole): Whole {
  if (typeof state === 'number' && typeof value === 'number') {
    const made = state + value
    if (made <= most && made >= -most) return made
  }
  return BigInt(state) + BigInt(value)
}

const wholeToJson = (state: Whole): Json => (typeof state === 'number' ? state : String(state))
const wholeFromJson = (json: Json): Whole => (typeof json === 'number' ? json : BigInt(json as string))

/** The sum of whole numbers at some scale, and the count, which shows whether there was a value. */
interface Sum {
  sum: Whole
  count: number
}

/** How values of a type convert to whole numbers. */
function wholeOf(type: Type): ((value: never) => Whole) | undefined {
  if (type.kind === 'integer' || type.kind === 'bigint') return (value: Whole) => value
  if (type.kind !== 'decimal') return undefined
  return (value: string) => {
    const number = small(value)
    return number - number === 0 ? number : unscaled(value)
  }
}

function exact(
  type: Type,
  whole: (value: never) => Whole,
  gives: Type,
  result: (state: Sum) => unknown,
): Accumulator<Sum> {
  const isInteger = type.kind === 'integer'
  return {
    type: gives,
    empty: () => ({ sum: 0, count: 0 }),
    add(state, value) {
      state.sum = addWhole(state.sum, isInteger ? value : whole(value))
      state.count++
      return state
    },
    merge(a, b) {
      a.sum = addWhole(a.sum, b.sum)
      a.count += b.count
      return a
    },
    result: (state) => (state.count === 0 ? null : result(state)),
    toJson: ({ sum, count }) => [wholeToJson(sum), count],
    fromJson(json) {
      const [sum, count] = json as [Json, number]
      return { sum: wholeFromJson(sum), count }
    },
  }
}

function fitting(sum: Whole, type: Type): unknown {
  const fails = (limit: string) => new DataError('out_of_range', `the sum ${sum} is beyond ${limit}`)
  if (type.kind === 'decimal') return decimalText(sum, type.scale, type.precision)
  if (type.kind === 'bigint') {
    const value = BigInt(sum)
    if (BigInt.asIntN(64, value) !== value) throw fails('64 bits: sum decimals')
    return value
  }
  const value = Number(sum)
  if (!Number.isSafeInteger(value)) throw fails('+-9007199254740991: sum bigint(x) or decimals')
  return value + 0
}

/** A sum of doubles, and the rounding errors of its additions. */
interface DoubleSum {
  sum: number
  lost: number
  count: number
}

function addDouble(state: DoubleSum, value: number): void {
  const { sum } = state
  const made = sum + value
  state.lost += Math.abs(sum) >= Math.abs(value) ? sum - made + value : value - made + sum
  state.sum = made
}

function doubles(result: (sum: number, count: number) => number): Accumulator<DoubleSum> {
  return {
    type: { kind: 'number' },
    empty: () => ({ sum: 0, lost: 0, count: 0 }),
    add(state, value) {
      addDouble(state, value)
      state.count++
      return state
    },
    merge(a, b) {
      addDouble(a, b.sum)
      a.lost += b.lost
      a.count += b.count
      return a
    },
    result(state) {
      if (state.count === 0) return null
      const made = result(state.sum + state.lost, state.count)
      if (!Number.isFinite(made)) throw new DataError('out_of_range', 'the sum is out of range for a number')
      return made
    },
    // Infinity and NaN are not valid results; they would become null.
    toJson: ({ sum, lost, count }) => [sum, lost, count],
    fromJson(json) {
      // A whole one beyond 2^53 is printed as digits, and read as bigint.
      const [sum, lost, count] = json as [number | null, number | null, number]
      return { sum: Number(sum ?? Number.NaN), lost: Number(lost ?? Number.NaN), count }
    },
  }
}

export function sum(type: Type): Accumulator<Sum> | Accumulator<DoubleSum> | undefined {
  if (type.kind === 'number') return doubles((total) => total)
  const whole = wholeOf(type)
  const gives: Type = type.kind === 'decimal' ? { kind: 'decimal', precision: maxPrecision, scale: type.scale } : type
  return whole && exact(type, whole, gives, (state) => fitting(state.sum, gives))
}

/** The minimum number of digits after the point of an average of decimals or bigints, as in Flink SQL. */
const leastScale = 6

export function avg(type: Type): Accumulator<Sum> | Accumulator<DoubleSum> | undefined {
  if (type.kind === 'number') return doubles((total, n) => total / n)
  const whole = wholeOf(type)
  if (!whole) return undefined
  if (type.kind === 'integer')
    return exact(type, whole, { kind: 'number' }, (state) => quotient(state.sum, BigInt(state.count)))
  const given = type.kind === 'decimal' ? type.scale : 0
  const scale = Math.max(leastScale, given)
  const unit = 10n ** BigInt(scale - given)
  return exact(type, whole, { kind: 'decimal', precision: maxPrecision, scale }, (state) =>
    decimalText(roundedQuotient(BigInt(state.sum) * unit, BigInt(state.count)), scale, maxPrecision),
  )
}

/** a / b as the nearest double, or an adjacent one. */
function quotient(a: Whole, b: bigint): number {
  if (typeof a === 'number' && b <= BigInt(most)) return a / Number(b)
  // Twenty digits more than a double has, so that only the conversion from text rounds.
  const scaled = (BigInt(a) * 10n ** 40n) / b
  return Number(`${scaled}e-40`)
}

// --- single values ---

/** A value, or undefined before there was one. */
type Held = unknown

/** The kept value as a result. JSON has no -0: it becomes 0 in every result, not only after a restore. */
const given = (value: Held): unknown => (typeof value === 'number' ? value + 0 : (value ?? null))

export function extremeOf(type: Type, which: 'min' | 'max'): Accumulator<Held> | undefined {
  const operation = ordering(which === 'min' ? '<' : '>', type)
  if (!operation) return undefined
  const isBefore = operation.call as (a: unknown, b: unknown) => boolean
  const better = (state: Held, value: Held): Held =>
    state === undefined || (value !== undefined && isBefore(value, state)) ? cutLoose(value) : state
  const [write, read] = [toJson(type), fromJson(type)]
  return {
    type,
    empty: () => undefined,
    add: better,
    merge: better,
    result: given,
    toJson: (state) => write(state),
    fromJson: (json) => (json === null ? undefined : read(json)),
  }
}

/** A value, and the time and position of its record. */
interface Timed {
  readonly time: number
  readonly split: string
  readonly position: string | number
  readonly value: unknown
}

/** Orders positions of one split: numbers by value, then digit strings by value, then other text by code points. */
function comparePositions(a: string | number, b: string | number): number {
  if (typeof a === 'number') return typeof b === 'number' ? a - b : -1
  if (typeof b === 'number') return 1
  const [x, y] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (x !== y) return x ? -1 : 1
  return (x && a.length - b.length) || compareText(a, b)
}

const compareTimes = (time: number, split: string, position: string | number, other: Timed): number =>
  time - other.time || compareText(split, other.split) || comparePositions(position, other.position)

export function endOf(type: Type, which: 'first' | 'last'): Accumulator<Timed | undefined> {
  const [write, read] = [toJson(type), fromJson(type)]
  // Of records with the same position (parts of one record), the first is the first and the last is the last.
  const replaces = (order: number): boolean => (which === 'first' ? order < 0 : order >= 0)
  return {
    type,
    ordered: true,
    empty: () => undefined,
    add: (state, value, time, split, position) =>
      state === undefined || replaces(compareTimes(time, split, position, state))
        ? { time, split, position, value: cutLoose(value) }
        : state,
    merge: (a, b) =>
      a === undefined || (b !== undefined && replaces(compareTimes(b.time, b.split, b.position, a))) ? b : a,
    result: (state) => given(state?.value),
    toJson: (state) => (state ? [state.time, state.split, state.position, write(state.value)] : null),
    fromJson(json) {
      if (json === null) return undefined
      const [time, split, position, value] = json as [number, string, string | number, Json]
      return { time, split, position, value: read(value) }
    },
  }
}
