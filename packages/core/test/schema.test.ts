import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assignable,
  type Field,
  fieldOf,
  fieldText,
  parseType,
  plainTypes,
  type RecordType,
  recordText,
  sameRecord,
  sameType,
  type Type,
  typeText,
  parseRecordType,
  recordToJsonSchema,
} from '../src/schema/index.ts'

const field = (text: string): Field => parseType(text)!

const types: fc.Arbitrary<Type> = fc.letrec<{ type: Type; field: Field }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...plainTypes).map((kind): Type => ({ kind })),
    fc
      .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38))
      .map(([precision, scale]): Type => ({ kind: 'decimal', precision, scale: Math.min(scale, precision) })),
    tie('field').map((of): Type => ({ kind: 'list', of })),
    tie('field').map((of): Type => ({ kind: 'map', of })),
    fc
      .dictionary(
        fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
        tie('field'),
        { maxKeys: 4 },
      )
      .map((fields): Type => ({ kind: 'object', record: { fields } })),
  ),
  field: fc.record({ type: tie('type'), optional: fc.boolean() }),
})).type

describe('types as text', () => {
  it.each(['integer', 'integer?', 'decimal(10,2)', 'list<date>', 'list<list<integer?>>?', 'list<decimal(38,0)>'])(
    '%s reads as it is written',
    (text) => {
      expect(fieldText(field(text))).toBe(text)
    },
  )

  it.each(['int', 'decimal', 'decimal(0,0)', 'decimal(39,1)', 'decimal(3,4)', 'list', 'list<>', 'integer??', ''])(
    '%j is not a type',
    (text) => {
      expect(parseType(text)).toBeUndefined()
    },
  )
})

it('lists can be nested as deep as can be read', () => {
  const nested = (levels: number) => parseType(`${'list<'.repeat(levels)}date${'>'.repeat(levels)}`)
  expect(typeText(nested(100)!.type)).toMatch(/^list<list</)
  expect(nested(101)).toBeUndefined()
  expect(nested(5000)).toBeUndefined()
})

describe('comparing', () => {
  it('a type is the same as itself, and as nothing else', () => {
    fc.assert(
      fc.property(
        types,
        types,
        (a, b) =>
          sameType(a, a) && sameType(a, b) === sameType(b, a) && (typeText(a) !== typeText(b) || sameType(a, b)),
      ),
    )
  })

  it('every value of a type belongs to the same type, optional or not', () => {
    fc.assert(
      fc.property(
        types,
        (type) =>
          assignable({ type, optional: false }, { type, optional: true }) &&
          !(type.kind !== 'json' && assignable({ type, optional: true }, { type, optional: false })),
      ),
    )
  })

  it.each([
    ['integer', 'number', true],
    ['number', 'integer', false],
    ['integer', 'bigint', false],
    ['decimal(8,2)', 'decimal(10,2)', true],
    ['decimal(8,2)', 'decimal(10,3)', false],
    ['string', 'json', true],
    ['timestamp', 'json', false],
    ['list<integer>', 'list<number?>', true],
    ['date', 'string', false],
  ])('%s is accepted as %s: %s', (from, to, isTaken) => {
    expect(assignable(field(from), field(to))).toBe(isTaken)
  })

  it('the order of fields does not matter, their number does', () => {
    const record = (fields: Record<string, string>): RecordType => ({
      fields: Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, field(text)])),
    })
    expect(sameRecord(record({ a: 'integer', b: 'date' }), record({ b: 'date', a: 'integer' }))).toBe(true)
    expect(sameRecord(record({ a: 'integer' }), record({ a: 'integer', b: 'date?' }))).toBe(false)
    expect(sameRecord(record({ a: 'integer' }), { ...record({ a: 'integer' }), open: true })).toBe(false)
  })

  it('a field named like an object method exists only when it is declared', () => {
    expect(fieldOf({ fields: {} }, 'constructor')).toBeUndefined()
  })
})

describe('a compact schema', () => {
  it('is read with nested objects and lists', () => {
    const { type, problems } = parseRecordType({
      fields: {
        id: 'bigint',
        at: { fields: { city: 'string?' }, optional: true },
        lines: { list: { fields: { price: 'decimal(10,2)' } } },
        note: { type: 'string', optional: true, description: 'x' },
      },
    })
    expect(problems).toEqual([])
    expect(recordText(type)).toBe(
      '{ id: bigint, at: { city: string? }?, lines: list<{ price: decimal(10,2) }>, note: string? }',
    )
  })

  it('reports at which key it is wrong, and keeps the rest', () => {
    const { type, problems } = parseRecordType({
      fields: { a: 'integer', b: 'int', c: { list: 'nope' }, d: 5 },
      more: 1,
    })
    expect(problems.map(({ code, at }) => `${code} ${at.join('.')}`)).toEqual([
      'unknown_key more',
      'bad_type fields.b',
      'bad_type fields.c.list',
      'bad_type fields.d',
    ])
    expect(Object.keys(type.fields)).toEqual(['a'])
  })

  it('says what to do, once, about a decimal that YAML has cut at its comma', () => {
    // { price: decimal(10,2), name: string }
    const { problems } = parseRecordType({ fields: { price: 'decimal(10', '2)': null, name: 'string' } })
    expect(problems).toMatchObject([
      { code: 'bad_type', at: ['fields', 'price'], hint: expect.stringContaining('in quotes, "decimal(10,2)"') },
    ])
  })

  it.each([null, 'fields', [], 5, {}])('%j is not a schema', (value) => {
    expect(parseRecordType(value).problems.map((problem) => problem.code)).toEqual(['bad_schema'])
  })
})

describe('JSON Schema', () => {
  it('of any type reads back as that type', () => {
    // An element that may be null needs a JSON type that says so, and json has none.
    const hasNullableJson = (type: Type): boolean =>
      type.kind === 'list'
        ? (type.of.optional && type.of.type.kind === 'json') || hasNullableJson(type.of.type)
        : type.kind === 'object' && Object.values(type.record.fields).some((each) => hasNullableJson(each.type))
    fc.assert(
      fc.property(types, (type) => {
        fc.pre(!hasNullableJson(type))
        const record: RecordType = { fields: { x: { type, optional: false } } }
        const { type: read, problems } = parseRecordType(JSON.parse(JSON.stringify(recordToJsonSchema(record))))
        expect(problems).toEqual([])
        expect(recordText(read)).toBe(recordText(record))
      }),
    )
  })

  it('of other types is read: required, nullable, formats, references', () => {
    const { type, problems } = parseRecordType({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      required: ['id', 'at', 'tags'],
      properties: {
        id: { type: 'integer', format: 'int64' },
        at: { type: 'string', format: 'date-time' },
        day: { anyOf: [{ type: 'string', format: 'date' }, { type: 'null' }] },
        tags: { type: 'array', items: { $ref: '#/$defs/tag' } },
        size: { type: ['number', 'null'] },
        free: true,
      },
      $defs: { tag: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } },
    })
    expect(problems).toEqual([])
    expect(recordText(type)).toBe(
      '{ id: bigint, at: timestamp, day: date?, tags: list<{ name: string }>, size: number?, free: json? }',
    )
  })

  it('that says more than types can is reported', () => {
    const { problems } = parseRecordType({
      type: 'object',
      properties: {
        a: { type: 'string', pattern: 'x' },
        b: { oneOf: [{ type: 'string' }, { type: 'integer' }] },
        c: { $ref: '#/properties/c' },
      },
    })
    expect(problems.map(({ code, at }) => `${code} ${at.join('.')}`)).toEqual([
      'schema_rule_ignored properties.a.pattern',
      'bad_schema properties.b.oneOf',
      'bad_schema properties.c.$ref',
    ])
  })
})
