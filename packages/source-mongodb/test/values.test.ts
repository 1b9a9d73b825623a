import { Binary, BSON, Decimal128, Int32, Long, ObjectId, Timestamp, UUID } from 'mongodb'
import { describe, expect, test } from 'vitest'
import { bsonToPlain, parseExtendedJson } from '@millrace/client-mongodb'
import type { RecordType, Type } from '@millrace/core'
import { compileDecoder, documentFromText } from '../src/decode.ts'
import { fromBson } from '../src/values.ts'
import { contextOf } from './server.ts'

const decimal: Type = { kind: 'decimal', precision: 20, scale: 2 }
const uuid = '3b241101-e2bb-4255-8caf-4136c566a962'
const read = (type: Type, value: unknown): unknown => {
  try {
    return fromBson(type)(value)
  } catch (error) {
    return (error as { code?: string }).code
  }
}

test.each<[Type, unknown, unknown]>([
  [{ kind: 'string' }, 'x', 'x'],
  [{ kind: 'string' }, new ObjectId('0123456789abcdef01234567'), '0123456789abcdef01234567'],
  [{ kind: 'string' }, new UUID(uuid), uuid],
  [{ kind: 'string' }, new Binary(Buffer.alloc(16), 3), 'not_string'],
  [{ kind: 'bytes' }, new UUID(uuid), new Uint8Array(new UUID(uuid).buffer)],
  [{ kind: 'json' }, { a: new UUID(uuid) }, { a: uuid }],
  [{ kind: 'string' }, 5, 'not_string'],
  [{ kind: 'boolean' }, true, true],
  [{ kind: 'boolean' }, 1, 'not_boolean'],
  [{ kind: 'integer' }, 5, 5],
  [{ kind: 'integer' }, 5n, 5],
  [{ kind: 'integer' }, 9007199254740993n, 'out_of_range'],
  [{ kind: 'integer' }, 1.5, 'not_integer'],
  [{ kind: 'integer' }, Decimal128.fromString('1E+2'), 100],
  [{ kind: 'bigint' }, 9007199254740993n, 9007199254740993n],
  [{ kind: 'bigint' }, 7, 7n],
  [{ kind: 'bigint' }, 2 ** 60, 'out_of_range'],
  [{ kind: 'bigint' }, '9007199254740993', 9007199254740993n],
  [{ kind: 'number' }, 1.5, 1.5],
  [{ kind: 'number' }, 7n, 7],
  [{ kind: 'number' }, 9007199254740993n, 'out_of_range'],
  [{ kind: 'number' }, Number.NaN, 'out_of_range'],
  [decimal, Decimal128.fromString('-1.5'), '-1.50'],
  [decimal, Decimal128.fromString('12E+3'), '12000.00'],
  [decimal, Decimal128.fromString('1.5E-1'), '0.15'],
  [decimal, Decimal128.fromString('1.555'), 'out_of_range'],
  [decimal, Decimal128.fromString('NaN'), 'bad_decimal'],
  [decimal, 9007199254740993n, '9007199254740993.00'],
  [decimal, 1.25, '1.25'],
  [{ kind: 'date' }, new Date(Date.UTC(2010, 11, 1)), '2010-12-01'],
  [{ kind: 'date' }, new Date(1), 'bad_date'],
  [{ kind: 'date' }, '2010-12-01', '2010-12-01'],
  [{ kind: 'timestamp' }, new Date(5), 5],
  [{ kind: 'timestamp' }, '1970-01-01T00:00:00.005Z', 5],
  [{ kind: 'timestamp' }, 5, 'bad_date'],
  [{ kind: 'bytes' }, new Binary(Buffer.from([1, 2])), new Uint8Array([1, 2])],
  [{ kind: 'bytes' }, Buffer.from([1, 2]), new Uint8Array([1, 2])],
  [{ kind: 'bytes' }, 5, 'bad_bytes'],
  [
    { kind: 'json' },
    { a: [Decimal128.fromString('1.10'), new Date(0), 9007199254740993n, null] },
    { a: ['1.10', '1970-01-01T00:00:00.000Z', 9007199254740993n, null] },
  ],
  [{ kind: 'list', of: { type: { kind: 'date' }, optional: true } }, [new Date(0), null], ['1970-01-01', null]],
  [{ kind: 'list', of: { type: { kind: 'date' }, optional: false } }, [null], 'missing_value'],
  [{ kind: 'list', of: { type: { kind: 'date' }, optional: false } }, 'x', 'not_list'],
  [
    { kind: 'map', of: { type: { kind: 'date' }, optional: true } },
    { 'a.b': new Date(0), b: null },
    { 'a.b': '1970-01-01', b: null },
  ],
  [{ kind: 'map', of: { type: { kind: 'date' }, optional: false } }, { a: null }, 'missing_value'],
  [{ kind: 'map', of: { type: { kind: 'date' }, optional: false } }, [new Date(0)], 'not_object'],
  [
    { kind: 'object', record: { fields: { a: { type: decimal, optional: true } } } },
    { a: Decimal128.fromString('1'), b: 2 },
    { a: '1.00' },
  ],
  [{ kind: 'object', record: { fields: {} } }, new Date(0), 'not_object'],
])('%o from %o is %o', (type, value, expected) => {
  expect(read(type, value)).toEqual(expected)
})

describe('documents', () => {
  const schema: RecordType = {
    fields: {
      _id: { type: { kind: 'string' }, optional: false },
      a: { type: { kind: 'list', of: { type: { kind: 'date' }, optional: false } }, optional: true },
    },
  }

  test('what is wrong is told with its path', () => {
    expect(compileDecoder(contextOf(schema))({ _id: 'x', a: [new Date(0), new Date(1)] })).toMatchObject({
      code: 'bad_date',
      field: 'a[1]',
    })
  })

  test('further fields are dropped, kept as JSON, or refused', () => {
    const document = { _id: 'x', a: null, more: Decimal128.fromString('1.5') }
    const decode = (unknownFields: 'drop' | 'keep' | 'error') =>
      compileDecoder(contextOf(schema, { unknownFields }))(document)
    expect(decode('drop')).toEqual({ row: { _id: 'x', a: null } })
    expect(decode('keep')).toEqual({ row: { _id: 'x', a: null, more: '1.5' } })
    expect(decode('error')).toMatchObject({ code: 'unknown_field', field: 'more' })
    expect(compileDecoder(contextOf({ fields: {} }, { unknownFields: 'error' }))({ _id: 'x' })).toEqual({ row: {} })
  })

  test('so are those of objects inside', () => {
    const inside: RecordType = {
      fields: {
        list: {
          type: {
            kind: 'list',
            of: {
              type: { kind: 'object', record: { fields: { a: { type: decimal, optional: true } } } },
              optional: false,
            },
          },
          optional: false,
        },
      },
    }
    const document = {
      _id: 'x',
      list: [
        { a: null, b: 1 },
        { a: null, c: 1, d: 2 },
      ],
    }
    const tally = { unknown: 0 }
    const decode = (unknownFields: 'drop' | 'keep' | 'error') =>
      compileDecoder(contextOf(inside, { unknownFields }), tally)(document)
    expect(decode('drop')).toEqual({ row: { list: [{ a: null }, { a: null }] } })
    expect(tally.unknown).toBe(3)
    expect(decode('keep')).toEqual({ row: { _id: 'x', list: document.list } })
    expect(decode('error')).toMatchObject({ code: 'unknown_field', field: 'list[0].b' })
    expect(tally.unknown).toBe(3)
  })

  test("extended JSON is read without the driver as the driver's own values would be", () => {
    const values = {
      int: new Int32(5),
      long: Long.MAX_VALUE,
      double: 1.5,
      decimal: Decimal128.fromString('1.5E+10'),
      date: new Date(-5),
      bytes: new Binary(Buffer.from([0, 255])),
      id: new ObjectId('0123456789abcdef01234567'),
      uuid: new UUID(uuid),
      nested: [{ x: Long.fromNumber(1) }, null, true, 'text'],
      stamp: new Timestamp({ t: 1, i: 2 }),
    }
    const text = BSON.EJSON.stringify(values, { relaxed: false })
    const { stamp, ...rest } = parseExtendedJson(text) as Record<string, unknown>
    expect(bsonToPlain(rest)).toEqual(
      bsonToPlain({
        ...values,
        stamp: undefined,
        int: 5,
        long: 2n ** 63n - 1n,
        nested: [{ x: 1n }, null, true, 'text'],
      }),
    )
    expect(rest['decimal']).toMatchObject({ _bsontype: 'Decimal128' })
    expect(stamp).toEqual({ $timestamp: { t: 1, i: 2 } })
    expect(() => documentFromText('{')).toThrow('extended JSON')
    expect(() => documentFromText('[]')).toThrow('not a document')
  })
})
