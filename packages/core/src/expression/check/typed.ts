/**
 * The typed tree of an expression, made by the type check. Names are resolved, operators and functions are operations
 * on one type each, and conversions between numeric types are explicit. Both evaluators (evaluate/compile.ts,
 * evaluate/interpret.ts) read it.
 */
import { type Type, typeText } from '../../schema/index.ts'
import type { Span } from '../read/syntax.ts'
import type { Facts } from './known.ts'

/** A computation on values that are not null, unless it says otherwise. Throws `DataError`. */
export interface Operation {
  /** The name by which the interpreter finds it. */
  readonly name: string
  /** What it depends on in addition to its arguments: scales, a zone. */
  readonly parameters?: readonly (string | number)[]
  readonly call: (...args: never[]) => unknown
  /** As JavaScript over the code of its arguments, if a call would cost more than the operation. */
  readonly inline?: (...args: string[]) => string
  /** For the comparison of two values by their order. */
  readonly order?: Ordering
  /** Its results are ordered as its argument is: a conversion. */
  readonly monotone?: boolean
}

export type Ordering = '<' | '<=' | '>' | '>='

interface KnownConstant {
  readonly type: Type
  /** May be null here. */
  readonly optional: boolean
  readonly span: Span
  /** For booleans: what is not null if it is true, and if it is false. */
  readonly facts?: Facts
}

export type LoopKind = 'all' | 'exists' | 'exists_one' | 'map' | 'filter'

export type Node = KnownConstant &
  /** `exact`: a number as written, digits x 10^-scale. */
  (
    | {
        readonly op: 'constant'
        readonly value: unknown
        readonly exact?: { readonly digits: bigint; readonly scale: number }
      }
    | { readonly op: 'field'; readonly name: string }
    /** The current element of the loop with this number. */
    | { readonly op: 'element'; readonly loop: number }
    /** A field of an object; null if the object is null. */
    | { readonly op: 'member'; readonly object: Node; readonly name: string }
    /** An element of a list by index from 0; `out_of_range` if there is none. */
    | { readonly op: 'item'; readonly list: Node; readonly index: Node }
    /** Access into a JSON value or a map; null if there is nothing. */
    | { readonly op: 'json'; readonly value: Node; readonly key: Node }
    | { readonly op: 'list'; readonly items: readonly Node[] }
    | { readonly op: 'object'; readonly names: readonly string[]; readonly values: readonly Node[] }
    | { readonly op: 'and' | 'or'; readonly items: readonly Node[] }
    | { readonly op: 'not' | 'present'; readonly value: Node }
    /** Equality of one type, with null as a value. `deep`: `===` is not enough. */
    | {
        readonly op: 'equal'
        readonly left: Node
        readonly right: Node
        readonly negated: boolean
        readonly deep: boolean
      }
    | { readonly op: 'in'; readonly value: Node; readonly list: Node; readonly deep: boolean }
    | { readonly op: 'choose'; readonly condition: Node; readonly yes: Node; readonly no: Node }
    /** The first value that is not null. */
    | { readonly op: 'first'; readonly items: readonly Node[] }
    /** `nullable`: null if the first argument is null. */
    | { readonly op: 'call'; readonly operation: Operation; readonly args: readonly Node[]; readonly nullable: boolean }
    | { readonly op: 'loop'; readonly kind: LoopKind; readonly loop: number; readonly list: Node; readonly body: Node }
  )

/** The type of `null` and of the elements of `[]`: compatible with every other. */
export const nothing = { kind: 'nothing' } as unknown as Type
/** The type of a part that already has a finding: using it causes no other. */
export const broken = { kind: 'broken' } as unknown as Type

export const isNothing = (type: Type): boolean => type === nothing
export const isBroken = (type: Type): boolean => type === broken

/** A type in a message. */
export function describe(type: Type): string {
  if (type === nothing) return 'null'
  if (type.kind === 'list' && type.of.type === nothing) return 'an empty list'
  return typeText(type)
}

/** A node of unknown meaning, after a finding. */
export const brokenNode = (span: Span): Node => ({ op: 'constant', value: null, type: broken, optional: false, span })

/** A call whose arguments are not null. */
export const callOf = (operation: Operation, args: readonly Node[], type: Type, span: Span): Node => ({
  op: 'call',
  operation,
  args,
  nullable: false,
  type,
  optional: false,
  span,
})
