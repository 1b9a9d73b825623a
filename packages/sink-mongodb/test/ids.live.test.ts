/** Documents with an `_id` of another type than text. */
import { ObjectId, UUID } from 'mongodb'
import { describe, expect, test } from 'vitest'
import type { RecordType, Row, SinkDefinition, Type } from '@millrace/core'
import { ask, askedStore, liveUrl } from '@millrace/testkit'
import definitions from '../src/index.ts'
import type { Options } from '../src/options.ts'
import { failuresOf, makeServer, records, resolved, writing } from './server.ts'
import { readAll } from '../../source-mongodb/test/server.ts'

const url = liveUrl('MONGODB')
const hex = '5e56539be1863fe90d324877'
const uuid = '3b241101-e2bb-4255-8caf-4136c566a962'
const of = (kind: Type['kind']) => ({ type: { kind } as Type, optional: false })
const schemaOf = (kind: Type['kind'], id = '_id'): RecordType => ({ fields: { [id]: of(kind), name: of('string') } })

const ids: [string, Type['kind'], Options['id_type'], unknown, unknown][] = [
  ['ObjectIds', 'string', 'objectid', new ObjectId(hex), hex],
  ['UUIDs', 'string', 'uuid', new UUID(uuid), uuid],
  ['whole numbers', 'integer', 'value', 7, 7],
  ['64-bit numbers', 'bigint', 'value', 9007199254740993n, 9007199254740993n],
  ['fractions', 'number', 'value', 1.5, 1.5],
  ['dates', 'date', 'value', new Date('2010-12-01'), '2010-12-01'],
  ['times', 'timestamp', 'value', new Date(5), 5],
  ['texts', 'string', undefined, 'x', 'x'],
]

describe.skipIf(!url)('documents of MongoDB with ids of any type', () => {
  const server = makeServer(url ?? 'mongodb://127.0.0.1')

  describe.each(ids)('%s', (_name, kind, id_type, stored, read) => {
    async function made() {
      const database = server.database()
      await server.client
        .db(database)
        .collection('c')
        .insertOne({ _id: stored as never, name: 'old' })
      return database
    }

    test.each(['upsert', 'set'] as const)(
      'that are read and written back by their ids stay the same documents: %s',
      async (write) => {
        const database = await made()
        const schema = schemaOf(kind)
        const options = { collection: 'c', key: '_id', id_type, write, database } as const
        const [batch] = await readAll({ url, database, collection: 'c' } as never, schema)
        expect(batch!.rows).toEqual([{ _id: read, name: 'old' }])
        const { sink } = await server.open(options, schema)
        await sink.write(records(batch!.rows.map((row) => ({ ...row, name: 'new' }))), writing)
        expect(await server.documents(database, 'c')).toEqual([{ _id: stored, name: 'new' }])
      },
    )

    test('are found, inserted, found taken and deleted by a key of another name', async () => {
      const database = await made()
      const schema = schemaOf(kind, 'ref')
      const open = async (write: Options['write']) =>
        (await server.open({ collection: 'c', key: 'ref', id_type, write, database }, schema)).sink
      const rows: Row[] = [{ ref: read, name: 'new' }]
      expect(await failuresOf((await open('insert')).write(records(rows), writing))).toMatchObject([
        { code: 'key_exists' },
      ])
      await (await open('upsert')).write(records(rows), writing)
      expect(await server.documents(database, 'c')).toEqual([
        { _id: stored, ref: kind === 'date' || kind === 'timestamp' ? stored : read, name: 'new' },
      ])
      const asked = resolved({ url: url as never, database, collection: 'c', key: 'ref', id_type })
      const env = { root: '/', home: '/', profile: 'live', pipeline: 'p', id: 'out', resolve: (path: string) => path }
      const store = askedStore(definitions[0] as SinkDefinition, asked, env, 'c', schema)
      expect(await ask(store, schema, { where: `ref == ${literal(kind, read)}` })).toMatchObject([{ name: 'new' }])
      await (await open('delete')).write(records(rows), writing)
      expect(await server.documents(database, 'c')).toEqual([])
    })
  })

  test('a text that is no id of that type is a data error, and letters of either case are one id', async () => {
    const { sink, database } = await server.open(
      { collection: 'c', key: '_id', id_type: 'objectid' },
      schemaOf('string'),
    )
    const rows = [hex, 'x', hex.toUpperCase(), hex.slice(1)].map((_id, n) => ({ _id, name: String(n) }))
    expect(await failuresOf(sink.write(records(rows), writing))).toEqual(
      [1, 3].map((index) => ({ index, kind: 'data', code: 'bad_id' })),
    )
    expect(await server.documents(database, 'c')).toEqual([{ _id: new ObjectId(hex), name: '2' }])
  })

  test.each(ids.slice(0, -1))(
    '%s are not given twins by keys that are text, unless that is asked for',
    async (_name, _kind, id_type, stored) => {
      const database = server.database()
      const collection = server.client.db(database).collection('c')
      await collection.insertMany([{ _id: stored as never }, { _id: 'text' as never }])
      const options = { database, collection: 'c', key: 'ref' } as const
      await expect(server.open(options, schemaOf('string', 'ref'))).rejects.toMatchObject({
        name: 'SystemError',
        code: 'other_ids',
        retry: false,
        hint: expect.stringContaining(`id_type: ${id_type}`),
      })
      await server.open({ ...options, id_type: 'text' }, schemaOf('string', 'ref'))
      await server.open({ database, collection: 'c' }, schemaOf('string', 'ref'))
    },
  )

  test('of a collection with several types of ids, the types at both ends are named', async () => {
    const database = server.database()
    const stored = [new ObjectId(hex), 7, 'text'].map((_id) => ({ _id: _id as never }))
    await server.client.db(database).collection('c').insertMany(stored)
    const opened = server.open({ database, collection: 'c', key: 'ref' }, schemaOf('string', 'ref'))
    await expect(opened).rejects.toMatchObject({
      code: 'other_ids',
      hint: expect.stringContaining('id_type: value or objectid;'),
    })
  })
})

function literal(kind: Type['kind'], value: unknown): string {
  if (kind === 'date') return `date("${value as string}")`
  if (kind === 'timestamp') return `timestamp("${new Date(value as number).toISOString()}")`
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
