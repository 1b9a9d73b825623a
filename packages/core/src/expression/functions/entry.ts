/**
 * How a function is described: as data, from which the check, the documentation and the engine for Flink read. A form
 * is one list of arguments. Its `takes` names them with their types as in a schema, `?` after a name for those that may
 * be left out; `decimal` and `list` stand for any of their kind, and three words for text or a number that must stand
 * in the expression itself, since it is checked before anything runs: `zone`, `pattern` (a regular expression; the only
 * one of the three that may also be computed) and `whole` (a whole number that is not negative).
 */
import type { Type } from '../../schema/index.ts'
import type { Node, Operation } from '../check/typed.ts'

/** What a form makes of its arguments; `refusal` where they cannot be. */
export type Made =
  | { readonly type?: Type; readonly operation?: Operation; readonly args?: readonly Node[] }
  | { readonly refusal: string; readonly at?: number; readonly hint?: string; readonly code?: string }

/** One list of arguments that a function takes. */
export interface Form {
  /** `text: string, from: integer, to?: integer`. `...` after the last type: any number of such. */
  readonly takes: string
  /** The result's type, or words for it where `make` tells it. */
  readonly gives: string
  /** The computation, where it depends on nothing but the values. */
  readonly call?: Operation['call']
  readonly inline?: Operation['inline']
  /** The rest: a type or computation that depends on the arguments' types, or on what is written there. */
  make?(args: readonly Node[]): Made
  /** null as first argument gives null, instead of being a finding. */
  readonly nullable?: boolean
}

/** A function of expressions. */
export interface FunctionEntry {
  readonly name: string
  readonly group: 'text' | 'numbers' | 'time' | 'conversion' | 'null' | 'lists' | 'aggregates'
  /** One or two sentences. */
  readonly doc: string
  readonly example: readonly [expression: string, result: string]
  /**
   * The same in Flink SQL, over the names of `takes`; undefined: Flink SQL has none, so an expression with it cannot
   * run there.
   */
  readonly flink: string | undefined
  readonly forms: readonly Form[]
  /** The check knows it by itself: its arguments are more than values. */
  readonly special?: true
}

/** Every form as a line: `substring(text: string, from: integer, to?: integer): string`. */
export const signatures = (entry: FunctionEntry): readonly string[] =>
  entry.forms.map((form) => `${entry.name}(${form.takes}): ${form.gives}`)

/** The value of an argument that stands in the expression. */
export const written = (node: Node | undefined): unknown => (node?.op === 'constant' ? node.value : undefined)
