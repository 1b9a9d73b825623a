/** What one evaluation may cost, compiled and interpreted: everything here ends within a moment. */
import { compileExpression, DataError, interpretExpression, type RecordType } from '@millrace/core'
import { describe, expect, it } from 'vitest'

const input: RecordType = {
  fields: {
    s: { type: { kind: 'string' }, optional: false },
    list: { type: { kind: 'list', of: { type: { kind: 'integer' }, optional: false } }, optional: false },
  },
}
const twins = [
  ['compiled', compileExpression],
  ['interpreted', interpretExpression],
] as const

const codeOf = (evaluate: () => unknown): unknown => {
  try {
    return evaluate()
  } catch (error) {
    if (error instanceof DataError) return error.code
    throw error
  }
}
const nested = (depth: number, open: string, inner: string) => open.repeat(depth) + inner + ')'.repeat(depth)
const mapsOf = (depth: number) =>
  Array.from({ length: depth }, (_, i) => i).reduceRight((body, i) => `list.map(x${i}, ${body})`, '1')

describe.each(twins)('%s', (_name, make) => {
  const evaluate = (text: string, row: { s?: string; list?: number[] }) => {
    const made = make(text, input)
    if (!made.ok) throw new Error(made.problems[0]!.message)
    return codeOf(() => made.evaluate({ s: 'ab', list: [], ...row }))
  }

  it('refuses nested loops that take too long, and accepts those that do not', () => {
    const list = Array.from({ length: 10 }, (_, i) => i)
    expect(evaluate(mapsOf(8), { list })).toBe('too_costly')
    expect(evaluate(`size(${mapsOf(4)})`, { list })).toBe(10)
    expect(evaluate('list.exists(a, list.exists(b, list.exists(c, a + b + c == -1)))', { list })).toBe(false)
    const long = Array.from({ length: 3000 }, (_, i) => i)
    expect(evaluate('list.all(a, list.all(b, a + b >= 0))', { list: long })).toBe('too_costly')
    // A loop over what the record holds is as long as the record.
    expect(evaluate('list.all(a, a >= 0)', { list: Array.from({ length: 1_200_000 }, () => 1) })).toBe(true)
  })

  it('refuses texts and lists that double', () => {
    const doubled = (part: string, by: string) => {
      let text = part
      for (let i = 0; i < 30; i++) text = `${text}.map(x, ${by})`
      return text
    }
    expect(evaluate(doubled('[s]', 'x + x'), {})).toBe('too_costly')
    expect(evaluate(doubled('[list]', 'x + x'), { list: [1] })).toBe('too_costly')
    expect(evaluate('list.map(x, s)', { s: 'a'.repeat(1_000_000), list: Array.from({ length: 1000 }, () => 1) })).toBe(
      'too_costly',
    )
  })

  it('refuses a text that becomes too long', () => {
    const s = 'a'.repeat(10_000)
    expect(evaluate('replace(replace(s, "a", s), "a", s)', { s })).toBe('out_of_range')
    expect(evaluate('join([s, s], s)', { s: 'a'.repeat(30_000_000) })).toBe('out_of_range')
    const many = Array.from({ length: 20 }, () => 's').join(' + ')
    expect(evaluate(`size(${many})`, { s: 'a'.repeat(40_000_000) })).toBe('out_of_range')
  })

  it('refuses a regular expression that takes many steps on a long text', () => {
    expect(evaluate('matches(s, "b.{0,900}x")', { s: 'b'.repeat(1_000_000) })).toBe('too_costly')
    expect(evaluate('matches(s, "b.{0,900}x")', { s: 'b'.repeat(1000) })).toBe(false)
    expect(evaluate('matches(s, "^[ab]+$")', { s: 'b'.repeat(1_000_000) })).toBe(true)
  })

  it('reports a constant that becomes too long', () => {
    const text = nested(9, 'replace(', '"aaaaaaaaaa"').replaceAll(')', ', "a", "aaaaaaaaaa")')
    const made = make(text, input)
    expect(made.ok ? [] : made.problems.map(({ code }) => code)).toEqual(['too_costly'])
  })
})
