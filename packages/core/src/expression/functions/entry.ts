/**
 * The description of functions as data, read by the check, the documentation and, later, the translation to Flink SQL.
 * A signature is one list of arguments. Its `takes` names them with their types as in a schema, with `?` after the
 * name of an optional one; `decimal` and `list` mean any of their kind. Three words mean text or a number that must be
 * a literal, since it is checked before anything runs: `zone`, `pattern` (a regular expression; the only one of the
 * three that may also be computed) and `whole` (a non-negative whole number).
 */
import type { Type } from '../../schema/index.ts'
import type { Node, Operation } from '../check/typed.ts'

/** The result of a signature for its arguments; `refusal` if they are not accepted. */
export type Made =
  | { readonly type?: Type; readonly operation?: Operation; readonly args?: readonly Node[] }
  | { readonly refusal: string; readonly at?: number; readonly hint?: string; readonly code?: string }

/** One list of arguments that a function accepts. */
export interface Form {
  /** `text: string, from: integer, to?: integer`. `...` after the last type: any number of them. */
  readonly takes: string
  /** The result's type, or a description if `make` determines it. */
  readonly gives: string
  /** The computation, if it depends only on the values. */
  readonly call?: Operation['call']
  readonly inline?: Operation['inline']
  /** Otherwise: a type or computation that depends on the arguments' types or literals. */
  make?(args: readonly Node[]): Made
  /** null as first argument yields null instead of a finding. */
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
   * The equivalent in Flink SQL, over the names of `takes`; undefined: there is none, so an expression with this
   * function cannot run on Flink.
   */
  readonly flink: string | undefined
  readonly forms: readonly Form[]
  /** Implemented in the check itself: its arguments are not plain values. */
  readonly special?: true
}

/** Every signature as a line: `substring(text: string, from: integer, to?: integer): string`. */
export const signatures = (entry: FunctionEntry): readonly string[] =>
  entry.forms.map((form) => `${entry.name}(${form.takes}): ${form.gives}`)

/** The value of a literal argument. */
export const written = (node: Node | undefined): unknown => (node?.op === 'constant' ? node.value : undefined)
