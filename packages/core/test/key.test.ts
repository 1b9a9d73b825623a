import { expect, test } from 'vitest'
import {
  comparableOf,
  compileKey,
  fieldReader,
  isKeyType,
  isWellFormed,
  type RecordType,
  type Type,
} from '@millrace/core'

const field = (type: Type) => ({ type, optional: true })
const record: RecordType = {
  fields: {
    text: field({ kind: 'string' }),
    whole: field({ kind: 'integer' }),
    large: field({ kind: 'bigint' }),
    price: field({ kind: 'decimal', precision: 10, scale: 2 }),
    at: field({ kind: 'timestamp' }),
    yes: field({ kind: 'boolean' }),
  },
}
const row = {
  text: 'a"b',
  whole: 17850,
  large: 9007199254740993n,
  price: '1.50',
  at: Date.UTC(2010, 11, 1, 8, 26),
  yes: false,
}

test('a key of one field is its value as text', () => {
  const keys = Object.keys(record.fields).map((name) => compileKey(record, [name])(row))
  expect(keys).toEqual(['a"b', '17850', '9007199254740993', '1.50', '2010-12-01T08:26:00.000Z', 'false'])
})

test('a key of several fields is their JSON array, without spaces, large and exact numbers as strings', () => {
  expect(compileKey(record, Object.keys(record.fields))(row)).toBe(
    '["a\\"b",17850,"9007199254740993","1.50","2010-12-01T08:26:00.000Z",false]',
  )
})

test('a null or missing part yields no key', () => {
  expect(compileKey(record, ['text'])({ text: null })).toBeUndefined()
  expect(compileKey(record, ['whole'])({})).toBeUndefined()
  expect(compileKey(record, ['text', 'whole'])({ text: 'a', whole: null })).toBeUndefined()
  expect(compileKey(record, ['text'])({ text: '' })).toBe('')
})

test('an absent field is null, even where every object inherits its name', () => {
  const inherited: RecordType = { fields: { constructor: field({ kind: 'string' }), x: field({ kind: 'integer' }) } }
  expect(compileKey(inherited, ['constructor'])({})).toBeUndefined()
  expect(compileKey(inherited, ['constructor', 'x'])({ x: 1 })).toBeUndefined()
  expect(compileKey(inherited, ['constructor'])({ constructor: 'a' })).toBe('a')
  expect(fieldReader('toString')({})).toBeNull()
  expect(fieldReader('x')({})).toBeNull()
})

test('bytes are compared by content, other values by themselves', () => {
  const of = comparableOf({ kind: 'bytes' })!
  expect(of(new Uint8Array([7, 1, 2, 7]).subarray(1, 3))).toBe(of(Buffer.from([1, 2])))
  expect(of(new Uint8Array([1]))).not.toBe(of(new Uint8Array([1, 0])))
  expect(of(null)).toBeNull()
  expect(comparableOf({ kind: 'string' })).toBeUndefined()
})

test('keys are scalars', () => {
  expect(isKeyType({ kind: 'date' })).toBe(true)
  expect(isKeyType({ kind: 'json' })).toBe(false)
  expect(isKeyType({ kind: 'list', of: field({ kind: 'string' }) })).toBe(false)
})

test('an unpaired surrogate is found in values and in keys, at any depth', () => {
  expect(isWellFormed({ a: ['x', { b: '\u{1F600}' }], c: null, d: new Uint8Array(1) })).toBe(true)
  expect(isWellFormed({ a: ['x', { b: 'x\ud83d' }] })).toBe(false)
  expect(isWellFormed({ a: { 'k\udc00': 1 } })).toBe(false)
})
