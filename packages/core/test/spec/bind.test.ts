import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tokens } from '../../src/expression/read/lexer.ts'
import { bindValues } from '../../src/spec/bind.ts'

/** Binds values to a template with `?` where they belong; a value marked as text comes in a list. */
function bind(template: string, ...values: (string | [string])[]) {
  const pieces = template.split('?')
  let text = pieces[0]!
  const inserts = values.map((given, k) => {
    const value = typeof given === 'string' ? given : given[0]
    const start = text.length
    text += value + pieces[k + 1]!
    return { start, end: start + value.length, written: `\${var:v${k}}`, isText: typeof given !== 'string' }
  })
  return bindValues(text, inserts)
}

describe('values in expressions', () => {
  it.each([
    ['price > ?', ['10'], 'price > 10'],
    ['price > ?', ['-1.5e3'], 'price > (-1.5e3)'],
    ['price - ?', ['-1'], 'price - (-1)'],
    ['active == ?', ['true'], 'active == true'],
    ['country == ?', ['Ireland'], 'country == "Ireland"'],
    ['zip == ?', ['01234'], 'zip == "01234"'],
    ['zip == ?', [['1234']], 'zip == "1234"'],
    ["country == '?'", ['1'], 'country == "1"'],
    ["name.startsWith('Mc?-?')", ["O'Neil", 'a\n"b"\\'], 'name.startsWith("McO\'Neil-a\\n\\"b\\"\\\\")'],
    ['`?` > ? // ?', ['unit price', '2', '\n|| true'], '`unit price` > 2 // ${var:v2}'],
    ['country == ?', ['"x" || true'], 'country == "\\"x\\" || true"'],
    ["country == '?'", ["x' || 'a' == 'a"], `country == "x' || 'a' == 'a"`],
    ['price > ?', ['1 || true'], 'price > "1 || true"'],
  ] as const)('are bound in %s', (template, values, text) => {
    expect(bind(template, ...(values as readonly (string | [string])[]))).toEqual({ text })
  })

  it.each([
    ['price?  > 1', ['s'], '${var:v0}'],
    ['price > 1?', ['0'], '1${var:v0} is not a number'],
    ['`?` > 1', ['a` > 0 || `b'], '`${var:v0}`'],
    ["name == '?", ['a'], "text has no closing '"],
    ["data == b'?'", ['a'], "b'${var:v0}'"],
  ] as const)('are refused in %s', (template, values, problem) => {
    expect(bind(template, ...values)).toMatchObject({ problem: expect.stringContaining(problem) })
  })

  it('never change the shape of an expression', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom("'", '"', '"""', '\\', '//', '`', ') || (', '1', 'v'),
    )
    const value = fc.array(nasty, { maxLength: 4 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(value, value, (a, b) => {
        const { text } = bind(`x == ? && y.contains('a?b')`, [a], [b]) as { text: string }
        const found = tokens(text)
        expect(found.map(({ kind }) => kind).join(' ')).toBe('name mark text mark name mark name mark text mark end')
        expect([found[2], found[8]]).toMatchObject([{ value: a }, { value: `a${b}b` }])
      }),
      { numRuns: 2000 },
    )
  })
})
