/** Values of a unique index that change hands within a batch. */
import { describe, expect, test } from 'vitest'
import type { RecordType, Row } from '@millrace/core'
import { liveUrl } from '@millrace/testkit'
import { failuresOf, makeServer, records, writing } from './server.ts'

const url = liveUrl('MONGODB')
const text = { type: { kind: 'string' }, optional: true } as const
const schema: RecordType = { fields: { id: text, mail: text, name: text } }

describe.skipIf(!url)('a unique index of MongoDB', () => {
  const server = makeServer(url ?? 'mongodb://127.0.0.1')

  async function unique(write: 'upsert' | 'set' | 'insert', before: readonly Row[], indexed = 'mail') {
    const { sink, database } = await server.open({ collection: 'c', key: 'id', write, nulls: 'omit' }, schema)
    const collection = server.client.db(database).collection('c')
    await collection.createIndex({ [indexed]: 1 }, { unique: true, sparse: true })
    if (before.length > 0) await sink.write(records(before), writing)
    return {
      write: (rows: readonly Row[]) => failuresOf(sink.write(records(rows, 100), writing)),
      stored: async () => Object.fromEntries((await server.documents(database, 'c')).map((d) => [d['_id'], d['mail']])),
    }
  }

  const legal: [string, Row[], Row[], Row][] = [
    [
      'is given up by the later of two keys',
      [{ id: 'a', mail: 'x' }],
      [
        { id: 'b', mail: 'z' },
        { id: 'a', mail: 'y' },
        { id: 'b', mail: 'x' },
      ],
      { a: 'y', b: 'x' },
    ],
    [
      'moves along a chain of keys',
      [
        { id: 'a', mail: '1' },
        { id: 'b', mail: '2' },
        { id: 'c', mail: '3' },
      ],
      [
        { id: 'a', mail: '9' },
        { id: 'a', mail: '8' },
        { id: 'b', mail: '1' },
        { id: 'c', mail: '2' },
        { id: 'a', mail: '3' },
      ],
      { a: '3', b: '1', c: '2' },
    ],
    [
      'is exchanged by two keys by way of a third value',
      [
        { id: 'a', mail: 'x' },
        { id: 'b', mail: 'y' },
      ],
      [
        { id: 'a', mail: 'tmp' },
        { id: 'b', mail: 'x' },
        { id: 'a', mail: 'y' },
      ],
      { a: 'y', b: 'x' },
    ],
  ]
  for (const write of ['upsert', 'set'] as const) {
    test.each(legal)(`${write}: a value %s; again is harmless`, async (_name, before, rows, expected) => {
      const { write: put, stored } = await unique(write, before)
      for (let again = 0; again < 2; again++) {
        expect(await put(rows)).toEqual([])
        expect(await stored()).toEqual(expected)
      }
    })
  }

  test.each(['upsert', 'set', 'insert'] as const)(
    '%s: what still is in conflict after the rest is a data error of its record, the others are stored',
    async (write) => {
      const { write: put, stored } = await unique(write, [{ id: 'other', mail: 'x' }])
      const rows = [
        { id: 'a', mail: '1' },
        { id: 'b', mail: 'x' },
        { id: 'c', mail: '1' },
        { id: 'd', mail: '2' },
      ]
      const wrong = [1, 2].map((index) => ({ index, kind: 'data', code: 'constraint' }))
      expect(await put(rows)).toEqual(wrong)
      expect(await stored()).toEqual({ other: 'x', a: '1', d: '2' })
    },
  )

  test('set: of merged records only the one in conflict is refused', async () => {
    const { write, stored } = await unique('set', [{ id: 'other', mail: 'x' }])
    const rows = [
      { id: 'a', mail: '1' },
      { id: 'a', mail: 'x', name: 'n' },
      { id: 'a', name: 'm' },
    ]
    expect(await write(rows)).toEqual([{ index: 1, kind: 'data', code: 'constraint' }])
    expect(await stored()).toEqual({ other: 'x', a: '1' })
  })
})
