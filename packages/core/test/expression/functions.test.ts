import { compileExpression, functions, signatures, toJson } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { record, row } from './record.ts'

describe('every function does what its example in the documentation says', () => {
  test.each(functions.map(({ name, example }) => ({ name, text: example[0], result: example[1] })))(
    '$name: $text returns $result',
    ({ text, result }) => {
      const compiled = compileExpression(text, record)
      if (!compiled.ok) throw new Error(compiled.problems.map((problem) => problem.message).join('\n'))
      const value =
        compiled.type.kind === 'bigint'
          ? String(compiled.evaluate(row))
          : JSON.stringify(toJson(compiled.type)(compiled.evaluate(row)))
      expect(value).toBe(result)
    },
  )
})

test('every function is described: its parameters and result, a sentence, and its equivalent in Flink SQL or the mark that there is none', () => {
  expect(new Set(functions.map(({ name }) => name)).size).toBe(functions.length)
  for (const entry of functions) {
    expect(entry.doc, entry.name).toMatch(/^[A-Z].*\.$/)
    expect(entry, entry.name).toHaveProperty('flink')
    expect(
      signatures(entry).every((line) => /^\w+\(.*\): \S+/.test(line)),
      signatures(entry).join(),
    ).toBe(true)
  }
  const substring = functions.find(({ name }) => name === 'substring')!
  expect(signatures(substring)).toEqual(['substring(text: string, from: integer, to?: integer): string'])
})

test('a function may be called as a method of its first argument', () => {
  for (const [method, call] of [
    ['Country.lower()', 'lower(Country)'],
    ['UnitPrice.round(1)', 'round(UnitPrice, 1)'],
    ['at.hour("Europe/Berlin")', 'hour(at, "Europe/Berlin")'],
    ['CustomerID.coalesce(3)', 'coalesce(CustomerID, 3)'],
    ['tags.exists(t, t == "red")', 'exists(tags, t, t == "red")'],
  ] as const) {
    const [a, b] = [compileExpression(method, record), compileExpression(call, record)]
    expect(a.ok && b.ok && [a.evaluate(row), a.type]).toEqual(b.ok && [b.evaluate(row), b.type])
  }
})

// A backtracking engine needs some 2^50000 steps for these; RE2 needs one pass. Finishing at all is the proof.
test('matches is linear in the text, whatever the pattern', () => {
  const long = 'a'.repeat(50_000)
  for (const pattern of [
    '^(a+)+$',
    '^(a|aa)+$',
    '^(a|a?)+$',
    '(x+x+)+y',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '(.*)*b',
    '^(a?){30}a{30}$',
  ]) {
    const compiled = compileExpression(`matches(Country, "${pattern}")`, record)
    expect(compiled.ok && compiled.evaluate({ ...row, Country: `${long}!` }), pattern).toBe(false)
  }
})

test('a computed pattern is as safe as a literal one', () => {
  const compiled = compileExpression('matches(Country, Description)', {
    fields: { ...record.fields, Description: { type: { kind: 'string' }, optional: false } },
  })
  const test = (Country: string, Description: string) =>
    compiled.ok && compiled.evaluate({ ...row, Country, Description })
  expect(test(`${'a'.repeat(50_000)}!`, '^(a+)+$')).toBe(false)
  for (let i = 0; i < 300; i++) expect(test(`x${i}y`, `^x${i}y$`)).toBe(true)
  expect(() => test('a', '(')).toThrow('is not a regular expression')
  expect(() => test('a', '('.repeat(100_000))).toThrow('is not a regular expression')
})

test('endlessly nested JSON is a data error, not a stack overflow', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const parsed = compileExpression('parse_json(Country)', record)
  expect(() => parsed.ok && parsed.evaluate({ ...row, Country: deep })).toThrow('nested deeper')
  expect(parsed.ok && parsed.evaluate({ ...row, Country: `["${'['.repeat(1000)}"]` })).toEqual(['['.repeat(1000)])
  let doc: unknown = 1
  for (let i = 0; i < 100_000; i++) doc = [doc]
  for (const text of ['doc == doc.a || doc == parse_json(Country)', 'string(doc)']) {
    const compiled = compileExpression(text, record)
    expect(
      () => compiled.ok && compiled.evaluate({ ...row, doc, Country: `${'['.repeat(499)}1${']'.repeat(499)}` }),
      text,
    ).not.toThrow(RangeError)
  }
})

test('a text that would become too long is a data error', () => {
  const compiled = compileExpression('replace(Country, "a", text)', record)
  expect(
    () => compiled.ok && compiled.evaluate({ ...row, Country: 'a'.repeat(100_000), text: 'b'.repeat(100_000) }),
  ).toThrow('longer than 67108864 characters')
})
