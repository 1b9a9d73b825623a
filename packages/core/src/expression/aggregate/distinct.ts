/**
 * Exact sets of values. A set is saved as pieces of a fixed number of values, in the order in which they were added,
 * and a rest: so a save writes what is new, and not the whole set.
 */
import { comparableOf, isKeyType } from '../../convert/key.ts'
import { fromJson, toJson } from '../../convert/index.ts'
import type { Json } from '../../record/index.ts'
import { cutLoose } from '../../record/flat.ts'
import type { Type } from '../../schema/index.ts'
import type { Accumulator } from './accumulators.ts'

/** How many values are a piece. The rest, which is written at every save, is smaller. */
const pieceSize = 128

interface Distinct {
  readonly values: Set<unknown>
  /** The values that are in no piece that was taken. Undefined: all. */
  rest: unknown[] | undefined
  /** How many pieces were taken. */
  taken: number
}

/** Undefined: values of this type cannot be compared. */
export function distinct(type: Type): Accumulator<Distinct> | undefined {
  if (!isKeyType(type)) return undefined
  const comparable = comparableOf(type)
  // A value that is JSON is kept as it is.
  const [write, read] = comparable
    ? [(value: unknown) => value as Json, (json: Json) => json]
    : [toJson(type), fromJson(type)]
  const insert = (state: Distinct, value: unknown): void => {
    const { values } = state
    values.add(value)
    if (state.rest) state.rest.push(value)
    else if (values.size > pieceSize) state.rest = [...values]
  }
  const full = ({ rest }: Distinct): number => (rest ? Math.floor(rest.length / pieceSize) : 0)
  return {
    type: { kind: 'integer' },
    empty: () => ({ values: new Set(), rest: undefined, taken: 0 }),
    add: comparable
      ? (state, value) => {
          const made = comparable(value)
          if (!state.values.has(made)) insert(state, made)
          return state
        }
      : (state, value) => {
          if (!state.values.has(value)) insert(state, cutLoose(value))
          return state
        },
    merge(a, b) {
      for (const value of b.values) if (!a.values.has(value)) insert(a, value)
      return a
    },
    result: ({ values }) => values.size,
    toJson: ({ values, rest }) => (rest ?? [...values]).map(write),
    fromJson: (json) => ({ values: new Set((json as readonly Json[]).map(read)), rest: undefined, taken: 0 }),
    pieces: {
      full,
      taken: ({ taken }) => taken,
      take(state) {
        const n = full(state)
        if (n === 0) return []
        const made = Array.from({ length: n }, (_, k) =>
          state.rest!.slice(k * pieceSize, (k + 1) * pieceSize).map(write),
        )
        state.rest = state.rest!.slice(n * pieceSize)
        state.taken += n
        return made
      },
      untake(state) {
        if (state.taken === 0) return
        state.rest = [...state.values]
        state.taken = 0
      },
      restore(state, piece) {
        state.rest ??= [...state.values]
        state.taken++
        for (const json of piece as readonly Json[]) state.values.add(read(json))
      },
    },
  }
}
