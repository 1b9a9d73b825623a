import { Type } from 'typebox'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { defineSource, option, type Secret, type SourceDefinition, type Static } from '../../src/connector/index.ts'
import { optionJsonSchema, optionsFromText } from '../../src/spec/index.ts'

const source = <S extends object>(options: S) =>
  defineSource({
    kind: 'source',
    type: 'tides',
    summary: '',
    options,
    capabilities: () => ({ bounded: true, replayable: true, lanes: 'one' }),
    create: () => ({ read: async function* () {} }),
  })

/**
 * The same option by TypeBox and by `option`, a text that it accepts, the resulting value, and a text that it refuses.
 */
const pairs: Readonly<Record<string, readonly [object, object, string, unknown, string]>> = {
  text: [
    Type.String({ description: 'A.', pattern: '^a', minLength: 2 }),
    option.text('A.', { pattern: '^a', minLength: 2 }),
    'ab',
    'ab',
    'a',
  ],
  'a pattern as RegExp': [
    Type.String({ description: 'A.', pattern: /^a/ }),
    option.text('A.', { pattern: '^a' }),
    'a',
    'a',
    'b',
  ],
  integer: [
    Type.Integer({ description: 'A.', minimum: 1, maximum: 9, tuning: true }),
    option.integer('A.', { min: 1, max: 9, tuning: true }),
    '9',
    9,
    '1.5',
  ],
  number: [Type.Number({ description: 'A.', minimum: 0 }), option.number('A.', { min: 0 }), '1.5', 1.5, '-1'],
  boolean: [Type.Boolean({ description: 'A.' }), option.boolean('A.'), 'true', true, 'yes'],
  'a union of literals': [
    Type.Union([Type.Literal('one'), Type.Literal('all')], { description: 'A.' }),
    option.oneOf(['one', 'all'], 'A.'),
    'all',
    'all',
    'none',
  ],
  enum: [Type.Enum(['one', 'all'], { description: 'A.' }), option.oneOf(['one', 'all'], 'A.'), 'one', 'one', 'none'],
  literal: [Type.Literal('one', { description: 'A.' }), option.oneOf(['one'], 'A.'), 'one', 'one', 'all'],
  duration: [
    Type.Unsafe<number>({ type: 'string', format: 'duration', description: 'A.' }),
    option.duration('A.'),
    '2s',
    2000,
    '2',
  ],
  size: [Type.String({ format: 'size', description: 'A.' }), option.size('A.'), '1kB', 1000, 'big'],
  percent: [Type.String({ format: 'percent', description: 'A.' }), option.percent('A.'), '5 %', 0.05, 'half'],
  path: [Type.String({ format: 'path', description: 'A.' }), option.path('A.'), 'in.csv', 'in.csv', '[in.csv]'],
  secret: [
    Type.Unsafe<Secret>({ type: 'string', format: 'secret', description: 'A.' }),
    option.secret('A.'),
    'x',
    { $secrets: ['x'] },
    '1',
  ],
  field: [Type.String({ format: 'field', description: 'A.' }), option.field('A.'), 'id', 'id', '[id]'],
  expression: [
    Type.String({ format: 'expression', description: 'A.' }),
    option.expression('A.'),
    'a > 1',
    'a > 1',
    '[a]',
  ],
  record: [
    Type.Unsafe({ format: 'record', description: 'A.' }),
    option.record('A.'),
    '{ fields: { id: integer } }',
    { fields: { id: { type: { kind: 'integer' }, optional: false } } },
    '{ fields: { id: strange } }',
  ],
  'any value': [Type.Unknown({ description: 'A.' }), option.any('A.'), '[1, x]', [1, 'x'], '!strange x'],
  list: [
    Type.Array(Type.String({ description: 'B.' }), { description: 'A.', minItems: 1 }),
    option.list(option.text('B.'), 'A.', { min: 1 }),
    '[a]',
    ['a'],
    '[]',
  ],
  map: [
    Type.Record(Type.String(), Type.Integer({ description: 'B.' }), { description: 'A.' }),
    option.map(option.integer('B.'), 'A.'),
    '{ a: 1 }',
    { a: 1 },
    '{ a: b }',
  ],
  object: [
    Type.Object(
      { a: Type.Integer({ description: 'B.', default: 3 }), b: Type.Optional(Type.String({ description: 'C.' })) },
      { description: 'A.' },
    ),
    option.object({ a: option.integer('B.', { default: 3 }), b: option.optional(option.text('C.')) }, 'A.'),
    '{}',
    { a: 3 },
    '{ c: 1 }',
  ],
  union: [
    Type.Union(
      [Type.String({ description: 'B.' }), Type.Array(Type.String({ description: 'C.' }), { description: 'D.' })],
      { description: 'A.' },
    ),
    option.anyOf([option.text('B.'), option.list(option.text('C.'), 'D.')], 'A.'),
    '[a]',
    ['a'],
    '{ a: b }',
  ],
}

describe.each(Object.entries(pairs))('%s, given as a TypeBox value', (_, [typebox, own, right, value, wrong]) => {
  const given = source(Type.Object({ x: typebox })).options
  const wanted = source(option.object({ x: own })).options

  it('is the option that `option` creates, for the check and for the docs', () => {
    expect(given).toEqual(wanted)
    expect(optionJsonSchema(given)).toEqual(optionJsonSchema(wanted))
  })

  it('is checked', () => {
    expect(optionsFromText(`x: ${right}`, given)).toEqual({ value: { x: value } })
    expect(optionsFromText(`x: ${wrong}`, given)).toMatchObject({ findings: [{ path: expect.stringMatching(/^x/) }] })
    expect(optionsFromText('{}', given)).toMatchObject({ findings: [{ code: 'missing_key' }] })
  })

  it('may be nested inside `option.object` too', () => {
    expect(source(option.object({ x: typebox })).options).toEqual(wanted)
    expect(source(Type.Object({ x: own })).options).toEqual(wanted)
  })

  it('may be omitted if it is optional', () => {
    const optional = source(Type.Object({ x: Type.Optional(typebox) })).options
    expect(optional).toEqual(source(option.object({ x: option.optional(own as never) })).options)
    expect(source(option.object({ x: Type.Optional(typebox) })).options).toEqual(optional)
    expect(source(Type.Object({ x: option.optional(own as never) })).options).toEqual(optional)
    expect(optionsFromText('{}', optional)).toEqual({ value: {} })
  })
})

it('a default is accepted as it would be typed, and makes the option optional', () => {
  const { options } = source(
    Type.Object({
      wait: Type.Unsafe<number>({ type: 'string', format: 'duration', default: '2s' }),
      level: Type.Union([Type.Literal('low'), Type.Literal('high')], { default: 'low' }),
      tags: Type.Array(Type.String(), { default: ['a'] }),
      roll: Type.Object({ records: Type.Integer({ default: 5 }) }, { default: {} }),
    }),
  )
  expect(options.required).toEqual([])
  expect(optionsFromText('{}', options)).toEqual({
    value: { wait: 2000, level: 'low', tags: ['a'], roll: { records: 5 } },
  })
})

it.each([
  ['multipleOf', Type.Integer({ multipleOf: 5 }), '`x` cannot have `multipleOf: 5`'],
  ['a bound that is no number', Type.Integer({ minimum: 5n }), '`x` cannot have `minimum: 5n`'],
  ['a format of others', Type.String({ format: 'uri' }), "`x` cannot have `format: 'uri'`"],
  ['a pattern with flags', Type.String({ pattern: /a/i }), '`x` cannot have `pattern: /a/i`'],
  ['null', Type.Null(), "`x` cannot have `type: 'null'`"],
  ['a tuple', Type.Tuple([Type.String()]), '`x` cannot have `additionalItems: false`'],
  ['an intersection', Type.Intersect([Type.Object({}), Type.Object({})]), '`x` cannot have `allOf: '],
  ['a reference', Type.Ref('T'), "`x` cannot have `$ref: 'T'`"],
  ['keys of a pattern', Type.Record(Type.Integer(), Type.String()), '`x` cannot have `patternProperties: '],
  ['values of several types', Type.Enum(['a', 1]), "`x` cannot have `enum: [ 'a', 1 ]`"],
  ['a refinement', Type.Refine(Type.String(), () => true), '`x` cannot have `refine`'],
  ['a codec', Type.Codec(Type.String()).Decode(Number).Encode(String), '`x` cannot have `codec`'],
  ['nothing', Type.Never(), '`x` cannot have `not: {}`'],
  ['a fault in a list', Type.Array(Type.Object({ y: Type.Null() })), '`x[].y` cannot have'],
  ['a fault in a map', Type.Record(Type.String(), Type.Null()), '`x.*` cannot have'],
  ['a fault in a choice', Type.Union([Type.String(), Type.Null()]), '`x` cannot have'],
])('%s is refused with its location', (_, schema, message) => {
  const place = expect.objectContaining({ code: 'connector_broken', message: expect.stringContaining(message) })
  expect(() => source(Type.Object({ x: schema }))).toThrow(place)
  expect(() => source(option.object({ x: schema }))).toThrow(place)
})

it('the program gets the types of both kinds of values', () => {
  const mixed = Type.Object({
    url: Type.String(),
    wait: option.duration('A.', { default: '1s' }),
    level: Type.Union([Type.Literal('low'), Type.Literal('high')]),
    roll: option.object({ records: Type.Integer(), size: Type.Optional(option.size('B.')) }),
  })
  type Got = Static<typeof mixed>
  expectTypeOf<Got['url']>().toEqualTypeOf<string>()
  expectTypeOf<Got['wait']>().toEqualTypeOf<number>()
  expectTypeOf<Got['level']>().toEqualTypeOf<'low' | 'high'>()
  expectTypeOf<Got['roll']['records']>().toEqualTypeOf<number>()
  expectTypeOf(source(mixed)).toExtend<SourceDefinition>()
})
