/**
 * Text to tree, by recursive descent over CEL's grammar. `a.f(b)` and `f(a, b)` become the same call. Nesting, depth
 * and length are limited, so that no later walk over the tree can overflow the stack. Parsing stops at the first syntax
 * error.
 *
 * @marcbachmann/cel-js, which the tests compare this with, does not export its parser alone (importing it costs more
 * than half of Node's start-up time), supports no names beyond ASCII letters, and overflows the stack on a long row of
 * `!`.
 *
 * Decision: docs/decisions/20261121-own-expression-parser.md
 */
import { type Token, tokens } from './lexer.ts'
import { BadSyntax, type ExpressionProblem } from './problem.ts'
import type { BinaryOperator, Span, Syntax } from './syntax.ts'

const maxLength = 100_000
/** Nested brackets, calls, signs and choices. */
const maxNesting = 64
/** Levels of the tree: chains such as `a + b + c` count each operator; `&&` and `||` chains are one level. */
const maxDepth = 250

/** Words of other languages where an operator is expected. */
const words: ReadonlyMap<string, string> = new Map([
  ['and', 'write && for "and"'],
  ['or', 'write || for "or"'],
  ['not', 'write ! for "not"'],
  ['is', 'write == null or != null'],
  ['like', 'write matches(text, pattern), contains, startsWith or endsWith'],
  ['between', 'write low <= x && x <= high'],
  ['div', 'write /'],
  ['mod', 'write %'],
  ['eq', 'write =='],
  ['ne', 'write !='],
])

const levels: readonly (readonly BinaryOperator[])[] = [
  ['==', '!=', '<', '<=', '>', '>=', 'in'],
  ['+', '-'],
  ['*', '/', '%'],
]

/** The tree of an expression, or the reason why it has none. */
export function parseExpression(text: string): Syntax | ExpressionProblem {
  if (text.length > maxLength)
    return {
      code: 'bad_expression',
      message: `an expression of ${text.length} characters is too long`,
      span: [0, text.length],
      hint: `at most ${maxLength}`,
    }
  try {
    return new Parser(text, tokens(text)).whole()
  } catch (problem) {
    if (problem instanceof BadSyntax) return problem.problem
    throw problem
  }
}

type Bare = Syntax extends infer S ? (S extends Syntax ? Omit<S, 'depth'> : never) : never

class Parser {
  private readonly text: string
  private readonly list: readonly Token[]
  private next = 0
  private nesting = 0

  constructor(text: string, list: readonly Token[]) {
    this.text = text
    this.list = list
  }

  whole(): Syntax {
    if (this.token().kind === 'end') throw new BadSyntax('the expression is empty', [0, this.text.length])
    const tree = this.expression()
    if (this.token().kind !== 'end') throw this.unexpected('the end or an operator')
    return tree
  }

  private token(): Token {
    return this.list[this.next]!
  }

  /** Consumes the next token if it is this mark; returns whether it was. */
  private took(mark: string): boolean {
    if (!this.isAt(mark)) return false
    this.next++
    return true
  }

  private isAt(mark: string): boolean {
    const token = this.token()
    return mark === 'in'
      ? token.kind === 'name' && !token.quoted && token.value === 'in'
      : token.kind === 'mark' && token.value === mark
  }

  /** Consumes this mark; returns its end. */
  private expect(mark: string): number {
    const { end } = this.token()
    if (!this.took(mark)) throw this.unexpected(mark)
    return end
  }

  private unexpected(expected: string): BadSyntax {
    const token = this.token()
    if (token.kind === 'end')
      return new BadSyntax(`the expression ends where ${expected} is expected`, [
        Math.max(0, token.end - 1),
        Math.max(1, token.end),
      ])
    const shown = this.text.slice(token.start, token.end)
    const hint = token.kind === 'name' && !token.quoted ? words.get(token.value.toLowerCase()) : undefined
    return new BadSyntax(`${shown} is unexpected here: expected ${expected}`, [token.start, token.end], hint)
  }

  private made(node: Bare, below: readonly Syntax[] = []): Syntax {
    let depth = 1
    for (const child of below) if (child.depth >= depth) depth = child.depth + 1
    if (depth > maxDepth)
      throw new BadSyntax(`the expression is too deep`, [node.start, node.end], `at most ${maxDepth} levels`)
    return { ...node, depth } as Syntax
  }

  private nested<T>(read: () => T): T {
    const token = this.token()
    if (++this.nesting > maxNesting)
      throw new BadSyntax('the expression is nested too deep', [token.start, token.end], `at most ${maxNesting} levels`)
    const got = read()
    this.nesting--
    return got
  }

  private expression(): Syntax {
    return this.nested(() => {
      const condition = this.chain('||')
      if (!this.took('?')) return condition
      const yes = this.expression()
      this.expect(':')
      const no = this.expression()
      return this.made({ op: 'choose', condition, yes, no, start: condition.start, end: no.end }, [condition, yes, no])
    })
  }

  private chain(mark: '||' | '&&'): Syntax {
    const read = () => (mark === '||' ? this.chain('&&') : this.binary(0))
    const first = read()
    if (!this.isAt(mark)) return first
    const items = [first]
    while (this.took(mark)) items.push(read())
    return this.made({ op: mark === '||' ? 'or' : 'and', items, start: first.start, end: items.at(-1)!.end }, items)
  }

  private binary(level: number): Syntax {
    const operators = levels[level]
    if (!operators) return this.unary()
    let left = this.binary(level + 1)
    while (true) {
      const operator = operators.find((mark) => this.took(mark))
      if (!operator) return left
      const right = this.binary(level + 1)
      left = this.made({ op: 'binary', operator, left, right, start: left.start, end: right.end }, [left, right])
    }
  }

  private unary(): Syntax {
    const { start } = this.token()
    const op = this.took('!') ? 'not' : this.took('-') ? 'negate' : undefined
    if (!op) return this.postfix()
    const value = this.nested(() => this.unary())
    return this.made({ op, value, start, end: value.end }, [value])
  }

  private postfix(): Syntax {
    let object = this.primary()
    while (true) {
      const { start } = object
      if (this.took('.')) {
        const token = this.token()
        if (token.kind !== 'name') throw this.unexpected('a name')
        this.next++
        const nameAt: Span = [token.start, token.end]
        if (this.isAt('(')) {
          const { args, end } = this.args()
          object = this.made(
            { op: 'call', name: token.value, nameAt, args: [object, ...args], method: true, start, end },
            [object, ...args],
          )
        } else object = this.made({ op: 'member', object, name: token.value, nameAt, start, end: token.end }, [object])
      } else if (this.took('[')) {
        const index = this.expression()
        object = this.made({ op: 'index', object, index, start, end: this.expect(']') }, [object, index])
      } else return object
    }
  }

  private args(): { args: Syntax[]; end: number } {
    this.expect('(')
    return this.sequence(')', () => this.expression())
  }

  /** A comma-separated list up to `close`; a trailing comma is allowed. */
  private sequence<T>(close: string, read: () => T): { args: T[]; end: number } {
    const args: T[] = []
    while (!this.isAt(close)) {
      args.push(read())
      if (!this.took(',')) break
    }
    if (!this.isAt(close)) throw this.unexpected(`, or ${close}`)
    return { args, end: this.expect(close) }
  }

  private primary(): Syntax {
    const token = this.token()
    const { start, end } = token
    if (token.kind === 'mark') return this.bracketed(start)
    if (token.kind === 'end') throw this.unexpected('a value')
    if (token.kind === 'name' && !token.quoted && token.value === 'in') throw this.unexpected('a value')
    this.next++
    if (token.kind === 'text') return this.made({ op: 'text', value: token.value, start, end })
    if (token.kind === 'bytes') return this.made({ op: 'bytes', value: token.value, start, end })
    if (token.kind === 'integer') return this.made({ op: 'integer', value: token.value, start, end })
    if (token.kind === 'number')
      return this.made({ op: 'number', value: token.value, digits: token.digits, scale: token.scale, start, end })
    return this.named(token.value, token.quoted, [start, end])
  }

  private named(name: string, isQuoted: boolean, nameAt: Span): Syntax {
    const [start, end] = nameAt
    if (this.isAt('(')) {
      const { args, end: close } = this.args()
      return this.made({ op: 'call', name, nameAt, args, method: false, start, end: close }, args)
    }
    if (!isQuoted && (name === 'true' || name === 'false'))
      return this.made({ op: 'boolean', value: name === 'true', start, end })
    if (!isQuoted && name === 'null') return this.made({ op: 'null', start, end })
    const follows = this.token().kind
    if (!isQuoted && name.toLowerCase() === 'not' && follows !== 'mark' && follows !== 'end')
      throw new BadSyntax('not is not an operator', nameAt, words.get('not'))
    return this.made({ op: 'name', name, start, end })
  }

  private bracketed(start: number): Syntax {
    if (this.took('(')) {
      const inner = this.expression()
      this.expect(')')
      return inner
    }
    if (this.took('[')) {
      const { args: items, end } = this.sequence(']', () => this.expression())
      return this.made({ op: 'list', items, start, end }, items)
    }
    if (this.took('{')) {
      const { args: entries, end } = this.sequence('}', () => {
        const key = this.expression()
        this.expect(':')
        return [key, this.expression()] as const
      })
      return this.made({ op: 'map', entries, start, end }, entries.flat())
    }
    throw this.unexpected('a value')
  }
}
