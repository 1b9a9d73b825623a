/** The syntax tree of an expression, without types. Spans are indexes into its text. */

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
    /** `digits` x 10^-`scale` is exactly the number that was written. */
    | { readonly op: 'number'; readonly value: number; readonly digits: bigint; readonly scale: number }
    | { readonly op: 'boolean'; readonly value: boolean }
    | { readonly op: 'null' }
    | { readonly op: 'name'; readonly name: string }
    | { readonly op: 'member'; readonly object: Syntax; readonly name: string; readonly nameAt: Span }
    | { readonly op: 'index'; readonly object: Syntax; readonly index: Syntax }
    /** `f(a, b)`, or the equivalent `a.f(b)` with `method`: the receiver is the first argument. */
    | {
        readonly op: 'call'
        readonly name: string
        readonly nameAt: Span
        readonly args: readonly Syntax[]
        readonly method: boolean
      }
    | { readonly op: 'not' | 'negate'; readonly value: Syntax }
    | { readonly op: 'and' | 'or'; readonly items: readonly Syntax[] }
    | { readonly op: 'binary'; readonly operator: BinaryOperator; readonly left: Syntax; readonly right: Syntax }
    | { readonly op: 'choose'; readonly condition: Syntax; readonly yes: Syntax; readonly no: Syntax }
    | { readonly op: 'list'; readonly items: readonly Syntax[] }
    | { readonly op: 'map'; readonly entries: readonly (readonly [key: Syntax, value: Syntax])[] }
  )

export type Span = readonly [start: number, end: number]

/**
 * The tree with each part replaced for which `change` returns something; children of a replaced part are not visited.
 */
export function replaceParts(node: Syntax, change: (part: Syntax) => Syntax | undefined): Syntax {
  const part = (child: Syntax): Syntax => replaceParts(child, change)
  const changed = change(node)
  if (changed) return changed
  switch (node.op) {
    case 'member':
      return { ...node, object: part(node.object) }
    case 'index':
      return { ...node, object: part(node.object), index: part(node.index) }
    case 'call':
      return { ...node, args: node.args.map(part) }
    case 'not':
    case 'negate':
      return { ...node, value: part(node.value) }
    case 'and':
    case 'or':
    case 'list':
      return { ...node, items: node.items.map(part) }
    case 'binary':
      return { ...node, left: part(node.left), right: part(node.right) }
    case 'choose':
      return { ...node, condition: part(node.condition), yes: part(node.yes), no: part(node.no) }
    case 'map':
      return { ...node, entries: node.entries.map(([key, value]) => [key, part(value)] as const) }
    default:
      return node
  }
}
