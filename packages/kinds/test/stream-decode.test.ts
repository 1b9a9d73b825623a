/** Stream values, with the fields that come from their metadata. */
import type { DataError, RecordType, Type } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { type Beside, contextOf, decodeAgain, type StreamDecoding, streamDecoder } from '../src/index.ts'

const field = (kind: Type['kind'], optional = false) => ({ type: { kind } as Type, optional })
const schema: RecordType = {
  fields: { n: field('integer'), key: field('integer'), at: field('timestamp'), headers: field('json') },
}
const decoderOf = (more: Partial<StreamDecoding> = {}) =>
  streamDecoder({
    schema,
    unknownFields: 'drop',
    format: 'json',
    valueField: 'value',
    keyField: 'key',
    timestampField: 'at',
    headersField: 'headers',
    ...more,
  })
const value = Buffer.from('{"n":1,"key":9}')

describe('a value of a stream', () => {
  it('includes the fields from its metadata in their declared types, and is decoded to the same row from its context', () => {
    const beside: Beside = { key: '7', timestamp: 1_700_000_000_123, headers: { a: 'é' } }
    const row = { n: 1, key: 7, at: 1_700_000_000_123, headers: { a: 'é' } }
    expect(decoderOf().decode(value, beside)).toEqual(row)
    const kept = JSON.parse(JSON.stringify(contextOf(beside))) as never
    expect(decodeAgain(decoderOf(), value, kept)).toEqual(row)
    expect(decoderOf().decode(value, { key: '7', timestamp: 1 })).toMatchObject({ headers: {} })
  })

  it.each<[string, Beside, string, string]>([
    ['has no key where one is required', { key: undefined, timestamp: 1 }, 'missing_value', 'key'],
    ['has a key that is not of its type', { key: 'x', timestamp: 1 }, 'not_integer', 'key'],
    ['has a key that is not text', { key: undefined, timestamp: 1, unreadable: ['key'] }, 'bad_encoding', 'key'],
    [
      'has headers that are not text',
      { key: '1', timestamp: 1, unreadable: ['key', 'headers'] },
      'bad_encoding',
      'headers',
    ],
    ['has no time where one is required', { key: '1', timestamp: -1 }, 'missing_value', 'at'],
    ['has its time in microseconds', { key: '1', timestamp: 1_700_000_000_123_456 }, 'bad_date', 'at'],
  ])('that %s is a bad record, and so it is when decoded again', (_what, beside, code, name) => {
    const decoder = decoderOf(
      name === 'headers'
        ? { keyField: undefined, schema: { fields: { ...schema.fields, key: field('integer', true) } } }
        : {},
    )
    expect(decoder.decode(value, beside)).toBeUndefined()
    expect(decoder.failure).toMatchObject({ code, field: name })
    const again = () => decodeAgain(decoder, value, JSON.parse(JSON.stringify(contextOf(beside))) as never)
    expect(again).toThrow(expect.objectContaining({ code, field: name }) as DataError)
  })

  it('has no time where the message has none', () => {
    const decoder = decoderOf({ schema: { fields: { ...schema.fields, at: field('timestamp', true) } } })
    expect(decoder.decode(value, { key: '7', timestamp: -1 })).toMatchObject({ at: null })
  })

  it('cannot be decoded again without its context where rows need it', () => {
    expect(() => decodeAgain(decoderOf(), value, undefined)).toThrow(
      expect.objectContaining({ code: 'not_replayable' }) as DataError,
    )
    const plain = decoderOf({
      keyField: undefined,
      timestampField: undefined,
      headersField: undefined,
      schema: { fields: { n: field('integer') } },
    })
    expect(decodeAgain(plain, value, undefined)).toEqual({ n: 1 })
  })

  it('forms a single field where it is text or bytes', () => {
    const text: RecordType = { fields: { value: field('string'), key: field('string', true) } }
    const more = { timestampField: undefined, headersField: undefined } as const
    const decoder = decoderOf({ format: 'text', schema: text, ...more })
    expect(decoder.decode(Buffer.from('é'), { key: undefined, timestamp: 1 })).toEqual({ value: 'é', key: null })
    expect(decoder.decode(Buffer.from([0xc3]), { key: 'k', timestamp: 1 })).toBeUndefined()
    expect(decoder.failure.code).toBe('bad_encoding')
    expect(() => decoderOf({ format: 'bytes', schema: text, ...more })).toThrow('value is of type string')
  })
})
