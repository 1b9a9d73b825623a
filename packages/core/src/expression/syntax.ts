/** What an expression says, as a tree, before anything is known about types. Spans are indexes into its text. */

export type BinaryOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | '+' | '-' | '*' | '/' | '%'

interface At {
  /** First character and the one after the last. */
  readonly start: number
  readonly end: number
  /** Levels below and including this one. */
  readonly depth: number
}

export type Syntax = At &
  (
    | { readonly op: 'text'; readonly value: string }
    | { readonly op: 'bytes'; readonly value: Uint8Array }
    | { readonly op: 'integer'; readonly value: bigint }
    /** `digits` x 10^-`scale` is the number exactly as it was written. */
    | { readonly op: 'number'; readonly value: number; readonly digits: bigint; readonly scale: number }
    | { readonly op: 'boolean'; readonly value: boolean }
    | { readonly op: 'null' }
    | { readonly op: 'name'; readonly name: string }
    | { readonly op: 'member'; readonly object: Syntax; readonly name: string; readonly nameAt: Span }
    | { readonly op: 'index'; readonly object: Syntax; readonly index: Syntax }
    /** `f(a, b)`, or `a.f(b)` with `method`, which means the same: the receiver is the first argument. */
    | { readonly op: 'call'; readonly name: string; readonly nameAt: Span; readonly args: readonly Syntax[]; readonly method: boolean }
    | { readonly op: 'not' | 'negate'; readonly value: Syntax }
    | { readonly op: 'and' | 'or'; readonly items: readonly Syntax[] }
    | { readonly op: 'binary'; readonly operator: BinaryOperator; readonly left: Syntax; readonly right: Syntax }
    | { readonly op: 'choose'; readonly condition: Syntax; readonly yes: Syntax; readonly no: Syntax }
    | { readonly op: 'list'; readonly items: readonly Syntax[] }
    | { readonly op: 'map'; readonly entries: readonly (readonly [key: Syntax, value: Syntax])[] }
  )

export type Span = readonly [start: number, end: number]
