/** `map<T>`: texts as keys, values of one type. */
import {
  assignable,
  compileExpression,
  type Field,
  fieldText,
  fromJson,
  fromText,
  interpretExpression,
  parseRecordType,
  parseType,
  recordToJsonSchema,
  type RecordType,
  sameType,
  toJson,
  toText,
} from '@millrace/core'
import { describe, expect, test } from 'vitest'

const typeOf = (text: string): Field => {
  const field = parseType(text)
  if (!field) throw new Error(`${text} is not a type`)
  return field
}

describe('the type', () => {
  test.each(['map<integer>', 'map<decimal(10,2)?>?', 'map<list<map<string?>>>', 'list<map<json>?>'])(
    '%s is read and printed',
    (text) => {
      expect(fieldText(typeOf(text))).toBe(text)
    },
  )

  test.each(['map', 'map<>', 'map<nothing>', 'map<string,integer>', 'map<integer'])('%s is no type', (text) => {
    expect(parseType(text)).toBeUndefined()
  })

  test('a schema may have maps of objects, and its JSON Schema is read back', () => {
    const { type, problems } = parseRecordType({
      fields: {
        rates: 'map<number>',
        shops: { map: { fields: { name: 'string', open: 'boolean?' } }, optional: true },
        any: 'map<json?>',
      },
    })
    expect(problems).toEqual([])
    expect(fieldText(type.fields['shops']!)).toBe('map<{ name: string, open: boolean? }>?')
    const schema = recordToJsonSchema(type)
    expect(schema).toMatchObject({
      properties: { rates: { type: 'object', additionalProperties: { type: 'number' } } },
    })
    const back = parseRecordType(JSON.parse(JSON.stringify(schema)))
    expect(back.problems).toEqual([])
    expect(sameType({ kind: 'object', record: back.type }, { kind: 'object', record: type })).toBe(true)
  })

  test('it is assigned where its values are', () => {
    expect(assignable(typeOf('map<integer>'), typeOf('map<number?>'))).toBe(true)
    expect(assignable(typeOf('map<integer>'), typeOf('json'))).toBe(true)
    expect(assignable(typeOf('map<bigint>'), typeOf('json'))).toBe(false)
    expect(assignable(typeOf('map<integer>'), typeOf('list<integer>'))).toBe(false)
    expect(sameType(typeOf('map<integer>').type, typeOf('map<integer?>').type)).toBe(false)
  })
})

describe('values', () => {
  const { type } = typeOf('map<bigint?>')

  test('from JSON and back, whatever the keys are', () => {
    const text = '{"":1,"10":null,"a.b":"9007199254740993","constructor":2,"__proto__":3}'
    const made = fromText(type)(text) as Record<string, unknown>
    expect(Object.entries(made)).toEqual([
      ['10', null],
      ['', 1n],
      ['a.b', 9007199254740993n],
      ['constructor', 2n],
      ['__proto__', 3n],
    ])
    expect(fromText(type)(toText(type)(made))).toEqual(made)
    expect(toJson(type)(made)).toEqual({
      '': '1',
      '10': null,
      'a.b': '9007199254740993',
      constructor: '2',
      ['__proto__']: '3',
    })
  })

  test.each([
    ['map<integer>', '{"a":{"b":1}}', 'not_integer', 'a'],
    ['map<integer>', '{"a":null}', 'missing_value', 'a'],
    ['map<list<integer>>', '{"a":[1,"x"]}', 'not_integer', 'a[1]'],
    ['map<integer>', '[1]', 'not_object', undefined],
    ['map<integer>', '"x"', 'not_object', undefined],
    ['map<integer>', '{"a":1,"a":2}', 'duplicate_key', undefined],
  ])('%s of %s is refused', (of, text, code, field) => {
    let error: unknown
    try {
      fromText(typeOf(of).type)(text)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code, ...(field === undefined ? {} : { field }) })
  })

  test('a value in a map is converted as anywhere', () => {
    const read = fromJson(typeOf('map<timestamp>').type)
    expect(read({ x: '1970-01-01T00:00:01Z' })).toEqual({ x: 1000 })
  })
})

describe('expressions', () => {
  const record: RecordType = {
    fields: {
      m: typeOf('map<integer>'),
      maybe: typeOf('map<string?>?'),
      other: typeOf('map<integer>'),
      key: typeOf('string'),
      lists: typeOf('map<list<integer>>'),
      at: typeOf('map<timestamp>'),
    },
  }
  const row = {
    m: { a: 1, b: 2, ['__proto__']: 3 },
    maybe: null,
    other: { ['__proto__']: 3, b: 2, a: 1 },
    key: 'b',
    lists: { x: [1, 2] },
    at: { x: 0 },
  }

  test.each([
    ['m["a"]', 1],
    ['m.a', 1],
    ['m[key]', 2],
    ['m["c"]', null],
    ['m["constructor"]', null],
    ['m["__proto__"]', 3],
    ['maybe["a"]', null],
    ['coalesce(m.c, 0) + 1', 1],
    ['has(m.a) && m.a > 0', true],
    ['has(m.c)', false],
    ['"a" in m', true],
    ['"toString" in m', false],
    ['!(key in other)', false],
    ['size(m)', 3],
    ['m == other', true],
    ['m != other', false],
    ['m.exists(k, k == "b")', true],
    ['m.all(k, coalesce(m[k], 0) > 1)', false],
    ['lists.x != null && lists.x[1] == 2', true],
    ['at.x != null && at.x < timestamp("2024-01-01T00:00:00Z")', true],
  ])('%s', (text, expected) => {
    for (const build of [compileExpression, interpretExpression]) {
      const compiled = build(text, record)
      if (!compiled.ok) throw new Error(compiled.problems[0]!.message)
      expect(compiled.evaluate(row)).toEqual(expected)
    }
  })

  test.each([
    ['m[1]', 'an index into map<integer> is string, not integer'],
    ['m.a + 1', 'm.a may be null here'],
    ['1 in m', 'in searches a list, or the keys of a map, not map<integer>'],
    ['m < other', 'values of type map<integer> have no order with <'],
  ])('%s is refused', (text, message) => {
    const compiled = compileExpression(text, record)
    expect(compiled.ok ? [] : compiled.problems.map((problem) => problem.message)).toEqual([message])
  })
})
