import { parse } from '@marcbachmann/cel-js'
import { compileExpression, parseType, type RecordType } from '@millrace/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseExpression } from '../../src/expression/read/parser.ts'
import type { Syntax } from '../../src/expression/read/syntax.ts'

const record: RecordType = { fields: { a: parseType('boolean')!, n: parseType('integer')!, s: parseType('string')! } }
const findings = (text: string) => {
  const compiled = compileExpression(text, record)
  return compiled.ok ? [] : compiled.problems.map((problem) => problem.code)
}

// Our tree and that of another CEL parser, in one form: operators by name, `&&` and `||` chains flat, spans omitted.
type Tree = readonly unknown[]

function ours(node: Syntax): Tree {
  switch (node.op) {
    case 'text':
    case 'boolean':
      return ['value', node.value]
    case 'integer':
      return ['value', `${node.value}n`]
    case 'number':
      return ['value', node.value]
    case 'bytes':
      return ['bytes', [...node.value]]
    case 'null':
      return ['value', null]
    case 'name':
      return ['id', node.name]
    case 'member':
      return ['.', ours(node.object), node.name]
    case 'index':
      return ['[]', ours(node.object), ours(node.index)]
    case 'call':
      return ['call', node.name, ...node.args.map(ours)]
    case 'not':
      return ['!', ours(node.value)]
    case 'negate':
      return ['-', ours(node.value)]
    case 'and':
    case 'or':
      return chain(node.op, node.items.map(ours))
    case 'binary':
      return [node.operator, ours(node.left), ours(node.right)]
    case 'choose':
      return ['?:', ours(node.condition), ours(node.yes), ours(node.no)]
    case 'list':
      return ['list', ...node.items.map(ours)]
    case 'map':
      return ['map', ...node.entries.map(([key, value]) => [ours(key), ours(value)])]
  }
}

/** The other parser does not tell whether the left side of a chain is in brackets. */
const chain = (op: string, [first, ...rest]: Tree[]): Tree =>
  first?.[0] === op ? [op, ...first.slice(1), ...rest] : [op, first, ...rest]

interface CelNode {
  readonly op: string
  readonly args: any
}

function theirs({ op, args }: CelNode): Tree {
  const both = () => args.map((arg: CelNode) => theirs(arg))
  if (op === 'value')
    return typeof args === 'bigint'
      ? ['value', `${args}n`]
      : args instanceof Uint8Array
        ? ['bytes', [...args]]
        : ['value', args]
  if (op === 'id') return ['id', args]
  if (op === '.') return ['.', theirs(args[0]), args[1]]
  if (op === 'call') return ['call', args[0], ...args[1].map(theirs)]
  if (op === 'rcall') return ['call', args[0], theirs(args[1]), ...args[2].map(theirs)]
  if (op === '!_' || op === '-_') return [op[0], theirs(args)]
  if (op === '&&' || op === '||') return [op === '&&' ? 'and' : 'or', ...flat(op, args)]
  if (op === 'list') return ['list', ...both()]
  if (op === 'map') return ['map', ...args.map(([key, value]: [CelNode, CelNode]) => [theirs(key), theirs(value)])]
  return [op, ...both()]
}

/** Only the left side of a chain is the chain itself; a chain in brackets on the right is separate. */
const flat = (op: string, [left, right]: [CelNode, CelNode]): Tree[] => [
  ...(left.op === op ? flat(op, left.args) : [theirs(left)]),
  theirs(right),
]

const word = fc.constantFrom('a', 'b1', '_c', 'Quantity')
const value = fc.oneof(
  word,
  fc.nat(99).map(String),
  fc.constantFrom(
    '1.5',
    '2e3',
    '0x1F',
    'true',
    'false',
    'null',
    '"x\\ty"',
    "'it\\'s'",
    'r"\\d"',
    'b"a\\xff"',
    '"""a\nb"""',
    '"\\u00e9\\101"',
    '""',
  ),
)
const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const inner = tie('expression')
  const binary = fc.constantFrom(
    '+',
    ' - ',
    '*',
    ' / ',
    ' % ',
    '==',
    ' != ',
    '<',
    ' <= ',
    '>',
    ' >= ',
    ' in ',
    '&&',
    ' || ',
  )
  const texts = (...parts: (string | fc.Arbitrary<string>)[]) =>
    fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((all) => all.join(''))
  return {
    expression: fc.oneof(
      { depthSize: 'small', maxDepth: 5 },
      value,
      texts(inner, binary, inner),
      texts(inner, binary, inner, binary, inner),
      texts('(', inner, ')'),
      texts(fc.constantFrom('!', '-', '! ', '- '), inner),
      texts('(', inner, ' ? ', inner, ' : ', inner, ')'),
      texts(word, '.', word),
      texts(word, '[', inner, ']'),
      texts(word, '.f(', inner, ', ', inner, ')'),
      texts('g(', inner, ')'),
      texts('[', inner, ', ', inner, ',]'),
      texts('{', inner, ': ', inner, '}'),
      texts(inner, ' // note\n + ', inner),
    ),
  }
})

/** The other parser puts `==` and `!=` on a separate level, where the grammar of CEL has one for all relations. */
function mixesRelations(tree: unknown): boolean {
  if (!Array.isArray(tree)) return false
  const isEquality = (op: unknown) => op === '==' || op === '!='
  const isOrder = (op: unknown) => typeof op === 'string' && ['<', '<=', '>', '>=', 'in'].includes(op)
  const [op, ...below] = tree as Tree
  const under = below.map((child) => (Array.isArray(child) ? (child as Tree)[0] : undefined))
  if ((isEquality(op) && under.some(isOrder)) || (isOrder(op) && under.some(isEquality))) return true
  return tree.some(mixesRelations)
}

test('all relations have the same precedence, and associate to the left', () => {
  const tree = (text: string) => ours(parseExpression(text) as Syntax)
  expect(tree('a == b1 < _c in a')).toEqual(tree('((a == b1) < _c) in a'))
  expect(tree('a < b1 == _c')).toEqual(tree('(a < b1) == _c'))
})

test('our parser reads what another CEL parser reads to the same tree, and refuses what it refuses', () => {
  fc.assert(
    fc.property(expression, (text) => {
      const read = parseExpression(text)
      let other: Tree | undefined
      try {
        other = theirs(parse(text).ast as unknown as CelNode)
      } catch {
        other = undefined
      }
      const own = 'code' in read ? undefined : ours(read)
      fc.pre(!mixesRelations(own) && !mixesRelations(other))
      expect(own).toEqual(other)
    }),
    { numRuns: 1000 },
  )
})

test('a span covers what it names, whatever surrounds it', () => {
  const text = ' n /* no comment */ + 1'
  expect(findings(text)).toEqual(['bad_expression'])
  const read = parseExpression('  s.size( ) + `n`[ 0 ]  // end') as Syntax & { op: 'binary' }
  const shown = (node: Syntax) => '  s.size( ) + `n`[ 0 ]  // end'.slice(node.start, node.end)
  expect([shown(read), shown(read.left), shown(read.right)]).toEqual(['s.size( ) + `n`[ 0 ]', 's.size( )', '`n`[ 0 ]'])
})

test('names may have letters of any script, and any text between backticks is a name', () => {
  const given: RecordType = {
    fields: {
      größe: parseType('integer')!,
      名前: parseType('string')!,
      'Order ID': parseType('integer')!,
      in: parseType('integer')!,
      package: parseType('integer')!,
    },
  }
  const compiled = compileExpression('größe + `Order ID` + `in` + package == 10 && 名前 == "x"', given)
  expect(compiled.ok && compiled.evaluate({ größe: 1, 'Order ID': 2, in: 3, package: 4, 名前: 'x' })).toBe(true)
})

test('nesting and length are bounded: a finding, never a stack overflow', () => {
  const n = 20_000
  for (const text of [
    '('.repeat(n),
    `${'('.repeat(n)}1${')'.repeat(n)}`,
    `${'!'.repeat(n)}a`,
    `${'-'.repeat(n)}n`,
    '['.repeat(n),
    `s${'.s'.repeat(n)}`,
    `s${'[0]'.repeat(n)}`,
    `n${' + n'.repeat(n)}`,
    'a ? '.repeat(n),
    `${'a ? 1 : '.repeat(n)}2`,
    'f('.repeat(n),
    '{"a": '.repeat(n),
    `"${'x'.repeat(200_000)}"`,
    's.map(x, '.repeat(n),
  ])
    expect(findings(text), text.slice(0, 10)).toEqual(['bad_expression'])
})

test('what a person writes is far from the limits', () => {
  expect(findings(`${'('.repeat(50)}n${')'.repeat(50)} == 1`)).toEqual([])
  expect(findings(Array.from({ length: 2000 }, (_, i) => `n == ${i}`).join(' || '))).toEqual([])
  expect(findings(`n in [${Array.from({ length: 10_000 }, (_, i) => i).join(', ')}]`)).toEqual([])
  expect(findings(`s == "" ${'+ s '.repeat(200)}`)).toEqual([])
  expect(findings(`${'a ? 1 : '.repeat(40)}2`)).toEqual([])
})

test('any text at all is read or refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.stringMatching(/^[()[\]{}"'`\\.,:?!&|=<>+\-*/% an1]{0,25}$/),
      ),
      (text) => {
        const compiled = compileExpression(text, record)
        if (compiled.ok) return
        for (const { span, message } of compiled.problems) {
          expect(span[0]).toBeGreaterThanOrEqual(0)
          expect(span[1]).toBeGreaterThanOrEqual(span[0])
          expect(span[1]).toBeLessThanOrEqual(Math.max(1, text.length))
          expect(message).not.toBe('')
        }
      },
    ),
    { numRuns: 1000 },
  )
})

test('no code can be injected through an expression or a name', () => {
  const name = 'x"]; globalThis.broken = 1; r["'
  const given: RecordType = {
    fields: { [name]: parseType('string')!, ['__proto__']: parseType('string?')!, constructor: parseType('string?')! },
  }
  const compiled = compileExpression('`' + name + '` + "\\"); globalThis.broken = 2; (\\"\\u2028"', given)
  expect(compiled.ok && compiled.evaluate({ [name]: 'a' })).toBe('a"); globalThis.broken = 2; ("\u2028')
  expect(globalThis).not.toHaveProperty('broken')
  const inherited = compileExpression('[coalesce(__proto__, "none"), coalesce(constructor, "none")]', given)
  expect(inherited.ok && inherited.evaluate({})).toEqual(['none', 'none'])
  const own = Object.defineProperty({ constructor: 'c' }, '__proto__', { value: 'p', enumerable: true })
  expect(inherited.ok && inherited.evaluate(own)).toEqual(['p', 'c'])
})
