import { parseRecordType, type Problem } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { generate } from '../src/source.ts'
import { optionsOf, shop } from './flow.ts'

const env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 's', resolve: (path: string) => path }
const shown = (problems: readonly Problem[]) =>
  problems.map(({ code, at, message, hint, expected }) =>
    [code, at.join('.'), [message, expected, hint].filter((text) => text !== undefined).join(' | ')].join(' '),
  )
const checked = (text: string) => shown(generate.check!(optionsOf(text), env))

it('finds nothing wrong with a shop', () => {
  expect(checked(`${shop()}stream: customers\nkey: customer_id`)).toEqual([])
})

describe('finds what is wrong with', () => {
  const streams = (a: string, b: string, more = '') => `streams: { a: { ${a} }, b: { ${b} } }\nstream: a\n${more}`
  it.each([
    ['no field', 'count: 1', 'missing_key  either `fields` or `streams` is needed | fields:'],
    ['both', 'fields: { a: uuid }\nstreams: { b: { a: uuid } }', 'bad_value fields `fields` and `streams`'],
    ['a stream without fields', 'streams: { b: {} }', 'bad_value streams.b a stream needs a field'],
    ['no stream', 'streams: {}', 'bad_value streams there is no stream'],
    ['a turn of one stream', 'fields: { a: uuid }\nturn: [a]', 'bad_value turn without `streams`'],
    ['a name of one stream', 'fields: { a: uuid }\nstream: a', 'bad_value stream without `streams`'],
    ['no choice', 'streams: { a: { x: uuid }, b: { x: uuid } }', 'missing_key  `stream` says which .* | known: a, b'],
    ['a key', 'fields: { name: uuid }\nkey: nam', 'unknown_field key there is no field `nam` | did you mean `name`?'],
    [
      'a clock',
      'fields: { a: uuid }\nclock: noon',
      'bad_value clock `noon` is not a timestamp | `now`, or a timestamp like',
    ],
    ['a rate', 'fields: { a: uuid }\nrate: 0/s', 'bad_value rate `0/s` makes nothing'],
    ['two ways', 'fields: { a: { uuid: {}, value: 1 } }', 'bad_value fields.a a field is made in exactly one way'],
    ['no way', 'fields: { a: { else: 1 } }', 'bad_value fields.a a field is made in exactly one way | one of fake,'],
    [
      'a method',
      'fields: { a: { fake: person.fulName } }',
      'bad_value fields.a.fake .* | did you mean `person.fullName`?',
    ],
    ['any method', 'fields: { a: { fake: x } }', 'bad_value fields.a.fake .* | see https://fakerjs.dev/api'],
    [
      'no argument',
      'fields: { a: { fake: helpers.fromRegExp } }',
      'bad_value fields.a.fake `helpers.fromRegExp` needs',
    ],
    ['`with`', 'fields: { a: { value: 1, with: 2 } }', 'bad_value fields.a.with `with` belongs to `fake`'],
    [
      '`weights`',
      'fields: { a: { value: 1, weights: [2] } }',
      'bad_value fields.a.weights `weights` belongs to `one_of`',
    ],
    ['`else`', 'fields: { a: { value: 1, else: 2 } }', 'bad_value fields.a.else `else` belongs to `when`'],
    [
      'too few weights',
      'fields: { a: { one_of: [1, 2], weights: [2] } }',
      'bad_value fields.a.weights there are 1 weights for 2',
    ],
    ['no weight', 'fields: { a: { one_of: [1], weights: [0] } }', 'bad_value fields.a.weights all weights are 0'],
    [
      'integers',
      'fields: { a: { integer: { from: 2, to: 1 } } }',
      'bad_value fields.a.integer `from` (2) is above `to` (1)',
    ],
    [
      'numbers',
      'fields: { a: { number: { from: 1.01, to: 1.09, digits: 1 } } }',
      'bad_value fields.a.number no number with 1',
    ],
    [
      'digits',
      'fields: { a: { number: { from: 1, to: 1e9, digits: 10 } } }',
      'bad_value fields.a.number 10 digits are too many',
    ],
    [
      'a time',
      'fields: { a: { time: { from: start_of_yaer } } }',
      'bad_value fields.a.time.from .* | now, .* | did you mean `start_of_year`?',
    ],
    ['a day', 'fields: { a: { date: { from: now, to: 2h } } }', 'bad_value fields.a.date.to `2h` is not a time'],
    [
      'distances',
      'fields: { a: { time: { from: -1h, to: -2h } } }',
      'bad_value fields.a.time `from` (-1h) is after `to` (-2h)',
    ],
    [
      'timestamps',
      'fields: { a: { time: { from: 2026-01-02T00:00:00Z, to: 2026-01-01T00:00:00Z } } }',
      'bad_value fields.a.time `from`',
    ],
    [
      'a stream',
      streams('x: uuid', 'y: uuid').replace('stream: a', 'stream: c'),
      'bad_value stream there is no stream `c`',
    ],
    [
      'a turn',
      streams('x: uuid', 'y: uuid', 'turn: [a, b, c]'),
      'bad_value turn.2 there is no stream `c` | known: a, b',
    ],
    [
      'a choice',
      streams('x: uuid', 'y: uuid', 'turn: [{ either: [a, c] }, b]'),
      'bad_value turn.0.either.1 there is no',
    ],
    [
      'a turn with twice the same',
      streams('x: uuid', 'y: uuid', 'turn: [a, b, a]'),
      'bad_value turn.2 `a` is made twice',
    ],
    [
      'a turn without a stream',
      streams('x: uuid', 'y: uuid', 'turn: [a]'),
      'bad_value turn no turn makes a record of `b`',
    ],
    [
      'weights of a choice',
      streams('x: uuid', 'y: uuid', 'turn: [{ either: [a, b], weights: [1] }]'),
      'bad_value turn.0.weights there are 1',
    ],
    [
      'a weight of 0',
      streams('x: uuid', 'y: uuid', 'turn: [{ either: [a, b], weights: [1, 0] }]'),
      'bad_value turn.0.weights a stream with',
    ],
    [
      'a reference',
      streams('x: { of: { stream: bb, field: y } }', 'y: uuid'),
      'bad_value streams.a.x.of.stream there is no stream `bb` | known: b',
    ],
    [
      'a reference to itself',
      streams('x: { of: { stream: a, field: x } }', 'y: uuid'),
      'bad_value streams.a.x.of.stream a stream cannot',
    ],
    [
      'a field',
      streams('x: { of: { stream: b, field: yy } }', 'y: uuid'),
      'unknown_field streams.a.x.of.field `b` has no field `yy`',
    ],
    [
      'a circle',
      streams('x: { of: { stream: b, field: y } }', 'y: { of: { stream: a, field: x } }'),
      'bad_value streams.a.x.of `a` refers to itself through',
    ],
    ['a condition', 'fields: { x: { one_of: [a] }, y: { value: 1, when: "z == 1" } }', 'unknown_field fields.y.when'],
    [
      'a condition on a later field',
      'fields: { y: { value: 1, when: "x == 1" }, x: { value: 1 } }',
      'unknown_field fields.y.when',
    ],
    [
      'a condition that is none',
      'fields: { x: { value: 1 }, y: { value: 1, when: "x + 1" } }',
      'wrong_type fields.y.when a condition is true',
    ],
  ])('%s', (_, text, expected) => {
    const found = checked(text)
    expect(found).toHaveLength(1)
    const pattern = expected.split('.*').map((part) => part.replaceAll(/[[\](){}?|.+^$*]/g, String.raw`\$&`))
    expect(found[0]).toMatch(new RegExp(`^${pattern.join('.*')}`))
  })
})

describe('finds where a field does not fit the schema', () => {
  const fits = (field: string, type: string) => {
    const { type: schema } = parseRecordType({ fields: { x: type } })
    return shown(generate.accepts!(optionsOf(`fields: { x: ${field} }`), schema))
  }

  it.each([
    [
      'uuid',
      'integer',
      'wrong_type fields.x `x` is of type integer, but string is generated | declare it in the schema: `x: string`',
    ],
    ['{ time: { from: -1h } }', 'string', 'wrong_type fields.x `x` is of type string, but timestamp'],
    ['{ fake: person.fullName }', 'number', 'wrong_type fields.x `x` is of type number, but string'],
    ['{ number: { from: 1, to: 2 } }', 'integer', 'wrong_type fields.x `x` is of type integer, but number'],
    [
      '{ number: { from: 1, to: 2 } }',
      'decimal(5,1)',
      'wrong_type fields.x.number .* 2 digits after the point, but it holds 1',
    ],
    ['{ integer: { from: 1, to: 2000 } }', 'decimal(3,0)', 'wrong_type fields.x.integer `x` is of type decimal(3,0): '],
    ['{ one_of: [a, 1] }', 'string', 'wrong_type fields.x.one_of `x` is of type string: '],
    [
      '{ one_of: [a, null] }',
      'string',
      'wrong_type fields.x.one_of `x` is of type string, but may be null | make it optional in the schema: `x: string?`',
    ],
    ['{ value: 2026-02-30 }', 'date', 'wrong_type fields.x.value `x` is of type date: '],
    [
      '{ fake: word.noun, when: "true" }',
      'string',
      'wrong_type fields.x `x` is of type string, but may be null | make it optional',
    ],
    ['{ fake: word.noun, when: "true", else: 1 }', 'string', 'wrong_type fields.x.else `x` is of type string: '],
  ])('%s as %s', (field, type, expected) => {
    const found = fits(field, type)
    expect(found).toHaveLength(1)
    const pattern = expected.split('.*').map((part) => part.replaceAll(/[[\](){}?|.+^$*]/g, String.raw`\$&`))
    expect(found[0]).toMatch(new RegExp(`^${pattern.join('.*')}`))
  })

  it.each([
    ['sequence', 'number'],
    ['uuid', 'json'],
    ['{ integer: { from: 1, to: 9 } }', 'decimal(1,0)'],
    ['{ fake: word.noun, when: "true" }', 'string?'],
    ['{ fake: word.noun, when: "true", else: none }', 'string'],
    ['{ fake: number.bigInt }', 'bigint'],
  ])('%s as %s fits', (field, type) => {
    expect(fits(field, type)).toEqual([])
  })

  it('a field that the schema or the generator lacks', () => {
    const schema = parseRecordType({ fields: { y: 'string', z: 'string?' } }).type
    expect(shown(generate.accepts!(optionsOf('fields: { x: uuid }'), schema))).toEqual([
      'missing_key fields the schema has a field `y`, which is not generated | say how it is made, or make it optional: `y: string?`',
      'unknown_field fields.x `x` is generated, but the schema has no such field | add it to the schema: `x: string`',
    ])
  })

  it('a field that is referred to has the type of that field', () => {
    const text = 'streams: { a: { x: { one_of: [1, 2] } }, b: { y: { of: { stream: a, field: x } } } }\nstream: b'
    const accepts = (type: string) => generate.accepts!(optionsOf(text), parseRecordType({ fields: { y: type } }).type)
    expect(accepts('integer')).toEqual([])
    expect(shown(accepts('string'))[0]).toMatch(/^wrong_type streams\.b\.y `y` is of type string: /)
  })
})

it('finds what may come over a reference', () => {
  const fits = (field: string, type: string) => {
    const text = `
streams:
  a: { k: boolean, x: ${field} }
  b: { y: { of: { stream: a, field: x } } }
  c: { z: { of: { stream: b, field: y } } }
stream: c`
    return shown(generate.accepts!(optionsOf(text), parseRecordType({ fields: { z: type } }).type))
  }
  expect(fits('{ integer: { from: 1, to: 9 } }', 'integer')).toEqual([])
  expect(fits('{ integer: { from: 1, to: 9 }, when: k }', 'integer?')).toEqual([])
  expect(fits('{ integer: { from: 1, to: 9 }, when: k }', 'integer')).toEqual([
    expect.stringContaining('wrong_type streams.c.z `z` is of type integer, but may be null'),
  ])
  expect(fits('{ integer: { from: 1, to: 9 }, when: k, else: none }', 'integer')).toEqual([
    expect.stringContaining('wrong_type streams.c.z `z` is of type integer: '),
  ])
  expect(fits('{ number: { from: 1, to: 9 } }', 'integer')).toEqual([
    expect.stringContaining('wrong_type streams.c.z `z` is of type integer, but number is generated'),
  ])
})

it('infers the schema of each stream', async () => {
  const { fields } = await generate.infer!(optionsOf(`${shop()}stream: user_interactions`), env, AbortSignal.abort())
  expect(fields['details']).toEqual({ type: { kind: 'string' }, optional: true })
  expect(fields['timestamp']).toEqual({ type: { kind: 'timestamp' }, optional: false })
  expect(fields['customer_id']).toEqual({ type: { kind: 'string' }, optional: false })
})

it('says what it makes to `pipe doctor`', async () => {
  const text = `${shop()}stream: transactions`
  expect(await generate.probe!(optionsOf(text), env, AbortSignal.abort())).toBe(
    'makes records of transactions with 7 fields',
  )
})
