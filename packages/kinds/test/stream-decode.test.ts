/** Stream values, with the fields that come from their metadata. */
import { DataError, type Headers, type RecordType, type Type, wireBytes } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { compileHeadersField } from '../src/streams/headers.ts'
import { contextOf, decodeAgain, type Message, type StreamDecoding, streamDecoder } from '../src/index.ts'

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
const notText = Buffer.from([0xc3, 0x28])

describe('a value of a stream', () => {
  it('includes the fields from its metadata in their declared types, and is decoded to the same row from what is kept', () => {
    const message: Message = {
      key: '7',
      timestamp: 1_700_000_000_123,
      headers: [
        ['a', 'é'],
        ['b', null],
      ],
    }
    const row = { n: 1, key: 7, at: 1_700_000_000_123, headers: { a: 'é', b: null } }
    expect(decoderOf().decode(value, message)).toEqual(row)
    expect(decodeAgain(decoderOf(), value, contextOf(message.timestamp), message)).toEqual(row)
    expect(decoderOf().decode(value, { key: '7', timestamp: 1 })).toMatchObject({ headers: {} })
  })

  it.each<[string, Message, string, string]>([
    ['has no key where one is required', { timestamp: 1 }, 'missing_value', 'key'],
    ['has a key that is not of its type', { key: 'x', timestamp: 1 }, 'not_integer', 'key'],
    ['has a key that is not text', { key: notText, timestamp: 1 }, 'bad_encoding', 'key'],
    ['has headers that are not text', { key: '1', timestamp: 1, headers: [['a', notText]] }, 'bad_encoding', 'headers'],
    [
      'has a header with a name that is not text',
      { key: '1', timestamp: 1, headers: [[notText, 'a']] },
      'bad_encoding',
      'headers',
    ],
    [
      'repeats a header',
      {
        key: '1',
        timestamp: 1,
        headers: [
          ['a', '1'],
          ['a', '1'],
        ],
      },
      'bad_headers',
      'headers',
    ],
    ['has no time where one is required', { key: '1', timestamp: -1 }, 'missing_value', 'at'],
    ['has its time in microseconds', { key: '1', timestamp: 1_700_000_000_123_456 }, 'bad_date', 'at'],
    ['has no value', { key: '1', timestamp: 1, tombstone: true }, 'tombstone', ''],
  ])('that %s is a bad record, and so it is when decoded again', (_what, message, code, name) => {
    const decoder = decoderOf()
    const wrong = { code, field: name || undefined }
    expect(decoder.decode(value, message)).toBeUndefined()
    expect({ field: undefined, ...decoder.failure }).toMatchObject(wrong)
    const again = () => decodeAgain(decoder, value, contextOf(message.timestamp), message)
    expect(again).toThrow(expect.objectContaining(wrong) as DataError)
  })

  it('has no time where the message has none', () => {
    const decoder = decoderOf({ schema: { fields: { ...schema.fields, at: field('timestamp', true) } } })
    expect(decoder.decode(value, { key: '7', timestamp: -1 })).toMatchObject({ at: null })
    expect(decodeAgain(decoder, value, contextOf(-1), { key: '7' })).toMatchObject({ at: null })
  })

  it('cannot be decoded again without its time where rows need it', () => {
    const again = () => decodeAgain(decoderOf(), value, undefined, { key: '7' })
    expect(again).toThrow(expect.objectContaining({ code: 'not_replayable' }) as DataError)
    const plain = decoderOf({
      timestampField: undefined,
      schema: { fields: { ...schema.fields, at: field('timestamp', true) } },
    })
    expect(decodeAgain(plain, value, undefined, { key: '7' })).toMatchObject({ n: 1, key: 7 })
  })

  it('has a key of any bytes where its field is of that type', () => {
    const decoder = decoderOf({ schema: { fields: { ...schema.fields, key: field('bytes') } } })
    expect(decoder.decode(value, { key: notText, timestamp: 1 })).toMatchObject({ key: notText })
    expect(decoder.decode(value, { key: 'é', timestamp: 1 })).toMatchObject({ key: Buffer.from('é') })
  })
})

describe('a value that is text or bytes', () => {
  const text: RecordType = { fields: { value: field('string'), key: field('string', true) } }
  const more = { timestampField: undefined, headersField: undefined } as const

  it('forms a single field', () => {
    const decoder = decoderOf({ format: 'text', schema: text, ...more })
    expect(decoder.decode(Buffer.from('é'), { timestamp: 1 })).toEqual({ value: 'é', key: null })
    expect(decoder.decode(Buffer.from([0xc3]), { key: 'k', timestamp: 1 })).toBeUndefined()
    expect(decoder.failure.code).toBe('bad_encoding')
    expect(() => decoderOf({ format: 'bytes', schema: text, ...more })).toThrow('value is of type string')
  })

  it.each(['text', 'bytes'] as const)('is null where there is none and its field may be: %s', (format) => {
    const type = format === 'text' ? 'string' : 'bytes'
    const decoder = (optional: boolean, tombstones?: 'error' | 'keep') =>
      decoderOf({ format, ...more, tombstones, schema: { fields: { ...text.fields, value: field(type, optional) } } })
    const none: Message = { key: 'k', timestamp: 1, tombstone: true }
    expect(decoder(true).decode(Buffer.of(), none)).toEqual({ value: null, key: 'k' })
    expect(decoder(true).decode(Buffer.of(), { ...none, tombstone: false })!['value']).toHaveLength(0)
    for (const strict of [decoder(false), decoder(true, 'error')]) {
      expect(strict.decode(Buffer.of(), none)).toBeUndefined()
      expect(strict.failure.code).toBe('tombstone')
    }
    expect(() => decoder(false, 'keep')).toThrow('value is required, but a record without a value has no such field')
  })
})

describe('a field for headers', () => {
  const name = field('string')
  const list = (kind: 'string' | 'bytes', optional = true): Type => ({
    kind: 'list',
    of: { type: { kind: 'object', record: { fields: { name, value: field(kind, optional) } } }, optional: false },
  })
  const map = (kind: 'string' | 'bytes', optional = true): Type => ({ kind: 'map', of: field(kind, optional) })
  const all: Headers = [
    ['b', null],
    ['a', notText],
    ['b', ''],
    ['b', 'é'],
  ]
  const back = (headers: Headers) =>
    headers.map(([key, each]) => [key, each === null ? null : wireBytes(each).toString('hex')])

  it('that is a list with bytes holds all of them, there and back', () => {
    const { read, write } = compileHeadersField(list('bytes'))
    expect(back(write!(read!(all)))).toEqual(back(all))
  })

  it.each<[string, Type, Headers, string]>([
    ['a list of texts', list('string'), all, 'bad_encoding'],
    ['a list without nulls', list('bytes', false), all, 'missing_value'],
    ['a map', map('bytes'), all, 'bad_headers'],
    ['a map of texts', map('string'), [['a', notText]], 'bad_encoding'],
    ['a map without nulls', map('string', false), [['a', null]], 'missing_value'],
    [
      'json',
      { kind: 'json' },
      [
        ['__proto__', 'x'],
        ['__proto__', 'x'],
      ],
      'bad_headers',
    ],
    ['an object', { kind: 'object', record: { fields: { a: name } } }, [['b', 'x']], 'bad_headers'],
  ])('that is %s does not hold what would be lost', (_what, type, headers, code) => {
    expect(() => compileHeadersField(type).read!(headers)).toThrow(expect.objectContaining({ code }) as DataError)
  })

  it.each<[string, Type, Headers]>([
    [
      'a list of texts',
      list('string'),
      [
        ['b', 'é'],
        ['b', null],
        ['', ''],
      ],
    ],
    [
      'a map',
      map('bytes'),
      [
        ['a', notText],
        ['b', null],
      ],
    ],
    [
      'json',
      { kind: 'json' },
      [
        ['__proto__', 'x'],
        ['b', null],
      ],
    ],
  ])('that is %s holds the others, there and back', (_what, type, headers) => {
    const { read, write } = compileHeadersField(type)
    expect(write!(read!(headers))).toEqual(headers)
  })

  it.each<[unknown]>([[5], [true], ['text'], [[1, 2]], [{ n: 5 }], [{ o: { z: 1 } }], [{ l: [] }]])(
    'cannot be written from %j',
    (wrong) => {
      const { write } = compileHeadersField({ kind: 'json' })
      expect(() => write!(wrong)).toThrow(expect.objectContaining({ code: 'bad_headers' }) as DataError)
    },
  )

  it('is of a type that can hold them', () => {
    for (const type of [
      { kind: 'string' },
      { kind: 'list', of: name },
      map('bytes').kind && { kind: 'map', of: field('integer') },
    ])
      expect(compileHeadersField(type as Type).read).toBeUndefined()
  })
})
