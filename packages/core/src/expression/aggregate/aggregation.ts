/** Aggregates at work: states of groups, and how records are added to them. */
import { parsePrinted, printJson } from '../../convert/index.ts'
import { DataError } from '../../errors/index.ts'
import type { Json, Row } from '../../record/index.ts'
import type { Field, RecordType } from '../../schema/index.ts'
import type { Node } from '../check/typed.ts'
import { compile, generated, inlined, type NamedConstant } from '../evaluate/compile.ts'
import { interpret } from '../evaluate/interpret.ts'
import type { Accumulator } from './accumulators.ts'

/** The state of one group. Of one shape for all groups; changed by `add` and `merge` only. */
export type AggregateState = Record<string, unknown>

/** Outputs that match their record type. */
export interface Aggregation {
  readonly ok: true
  /** The outputs, in order. */
  readonly type: RecordType
  /** The fields that the outputs read. */
  readonly fields: readonly string[]
  /** The parts of a state: each aggregate once, with normalised spaces, in the order in which it is saved. */
  readonly aggregates: readonly string[]
  /** `first` or `last` is used: `add` needs time, split and position. */
  readonly ordered: boolean
  /** The state of an empty group. */
  start(): AggregateState
  /**
   * Adds a record. If it throws `DataError`, nothing has changed. `time`: its event time in ms; `position`: its own, in
   * its split.
   */
  readonly add: (state: AggregateState, row: Row, time?: number, split?: string, position?: string | number) => void
  /** Adds another state of the group, which is not changed. */
  merge(into: AggregateState, from: AggregateState): void
  /** The state as text, without the pieces that were taken, and back. */
  encode(state: AggregateState): string
  decode(text: string): AggregateState
  /** Absent: no state grows with its values. */
  readonly pieces?: StatePieces
  /**
   * Adds the outputs to a row, and returns it. Throws `DataError` with the output as field: for a sum that does not
   * fit, a division by zero.
   */
  result(state: AggregateState, row?: Row): Row
}

/** Pieces of a state that are saved by themselves, once, each under a name. */
export interface StatePieces {
  /** How many are full and were not taken yet. */
  full(state: AggregateState): number
  /** The names of those that were taken. */
  taken(state: AggregateState): readonly string[]
  /** Takes those that are full. */
  take(state: AggregateState): readonly (readonly [name: string, text: string])[]
  /** Those that were taken are to be taken again. */
  untake(state: AggregateState): void
  /** Puts one that was taken back into a decoded state. */
  restore(state: AggregateState, name: string, text: string): void
}

export interface Slot {
  readonly accumulator: Accumulator
  /** The argument; undefined: none. */
  readonly node: Node | undefined
  readonly field: Field
}

/** An output, and the slots it uses. */
export interface AggregateType {
  readonly output: string
  readonly node: Node
  readonly slots: readonly string[]
}

export function aggregation(
  slots: ReadonlyMap<string, Slot>,
  results: readonly AggregateType[],
  fields: readonly string[],
  generate: boolean,
): Aggregation {
  const list = [...slots.values()]
  const evaluator = generate ? compile : interpret
  const outputs = results.map(({ output, node }) => ({ output, evaluate: evaluator(node) }))
  const named = [...slots].map(([name, { accumulator }], i) => ({
    name,
    key: `a${i}`,
    accumulator,
    output: results.find((result) => result.slots.includes(name))?.output,
  }))
  // Independent of which output has an aggregate first.
  const saved = named.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return {
    ok: true,
    type: {
      fields: Object.fromEntries(results.map(({ output, node: { type, optional } }) => [output, { type, optional }])),
    },
    fields,
    aggregates: saved.map(({ name }) => name),
    ordered: list.some(({ accumulator }) => accumulator.ordered),
    start: generate ? compiledStart(list) : interpretedStart(list),
    add: generate ? compiledAdd(list) : interpretedAdd(list),
    merge: generate ? compiledMerge(list) : interpretedMerge(list),
    encode: (state) => printJson(saved.map(({ key, accumulator }) => accumulator.toJson(state[key]))),
    decode(text) {
      const parts = parsePrinted(text) as Json[]
      const state: AggregateState = {}
      for (const [i, { key, accumulator }] of saved.entries()) state[key] = accumulator.fromJson(parts[i]!)
      return state
    },
    ...(saved.some(({ accumulator }) => accumulator.pieces) ? { pieces: piecesOf(saved) } : {}),
    result(state, row = {}) {
      const values: Row = {}
      let at: string | undefined
      try {
        for (const { name, key, accumulator, output } of named) {
          at = output
          values[name] = accumulator.result(state[key])
        }
        for (const { output, evaluate } of outputs) {
          at = output
          row[output] = evaluate(values)
        }
      } catch (error) {
        throw error instanceof DataError ? new DataError(error.code, error.message, at) : error
      }
      return row
    },
  }
}

/** The pieces of all slots, each named by its slot's place and its own number. */
function piecesOf(saved: readonly { readonly key: string; readonly accumulator: Accumulator }[]): StatePieces {
  const slots = saved.flatMap(({ key, accumulator: { pieces } }, slot) => (pieces ? [{ slot, key, pieces }] : []))
  return {
    full: (state) => slots.reduce((sum, { key, pieces }) => sum + pieces.full(state[key]), 0),
    taken: (state) =>
      slots.flatMap(({ slot, key, pieces }) =>
        Array.from({ length: pieces.taken(state[key]) }, (_, n) => `${slot}.${n}`),
      ),
    take: (state) =>
      slots.flatMap(({ slot, key, pieces }) => {
        const first = pieces.taken(state[key])
        return pieces.take(state[key]).map((piece, k) => [`${slot}.${first + k}`, printJson(piece)] as const)
      }),
    untake(state) {
      for (const { key, pieces } of slots) pieces.untake(state[key])
    },
    restore(state, name, text) {
      const { key, pieces } = slots.find(({ slot }) => slot === Number(name.slice(0, name.indexOf('.'))))!
      pieces.restore(state[key], parsePrinted(text) as Json)
    },
  }
}

/** One function that evaluates all arguments, then changes all slots. */
function compiledAdd(slots: readonly Slot[]): Aggregation['add'] {
  return generated((named: NamedConstant) => {
    const values = slots.map(({ node }, i) => (node ? `const x${i} = ${inlined(node, named)}` : ''))
    const changes = slots.map(({ accumulator, node }, i) => {
      const change = `s.a${i} = ${named(accumulator.add)}(s.a${i}, ${node ? `x${i}` : 'null'}${accumulator.ordered ? ', time, split, position' : ''})`
      return node?.optional && !accumulator.countsNull ? `if (x${i} !== null) ${change}` : change
    })
    return `return (s, r, time = 0, split = '', position = 0) => {\n${[...values, ...changes].filter(Boolean).join('\n')}\n}`
  })
}

/** Its twin. */
function interpretedAdd(slots: readonly Slot[]): Aggregation['add'] {
  const evaluators = slots.map(({ node }) => (node ? interpret(node) : () => null))
  return (state, row, time = 0, split = '', position = 0) => {
    const values = evaluators.map((evaluate) => evaluate(row))
    for (const [i, { accumulator }] of slots.entries()) {
      if (values[i] === null && !accumulator.countsNull) continue
      state[`a${i}`] = accumulator.add(state[`a${i}`], values[i] as never, time, split, position)
    }
  }
}

/** A state with all slots, of one shape from the start. */
function compiledStart(slots: readonly Slot[]): Aggregation['start'] {
  return generated((named: NamedConstant) => {
    const parts = slots.map(({ accumulator }, i) => `a${i}: ${named(accumulator.empty)}()`)
    return `return () => ({ ${parts.join(', ')} })`
  })
}

/** Its twin. */
function interpretedStart(slots: readonly Slot[]): Aggregation['start'] {
  return () => Object.fromEntries(slots.map(({ accumulator }, i) => [`a${i}`, accumulator.empty()]))
}

function compiledMerge(slots: readonly Slot[]): Aggregation['merge'] {
  return generated((named: NamedConstant) => {
    const parts = slots.map(({ accumulator }, i) => `s.a${i} = ${named(accumulator.merge)}(s.a${i}, f.a${i})`)
    return `return (s, f) => {\n${parts.join('\n')}\n}`
  })
}

/** Its twin. */
function interpretedMerge(slots: readonly Slot[]): Aggregation['merge'] {
  return (into, from) => {
    for (const [i, { accumulator }] of slots.entries()) into[`a${i}`] = accumulator.merge(into[`a${i}`], from[`a${i}`])
  }
}
