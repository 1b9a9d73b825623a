import { describe, test } from 'vitest'
import { Decimal128 } from 'mongodb'
import type { SinkDefinition } from '@millrace/core'
import { askedRows, askedStore, askedType, expectSameAnswers, liveUrl } from '@millrace/testkit'
import definitions from '../src/index.ts'
import { makeServer, pipeline, records, resolved, writing } from './server.ts'

const url = liveUrl('MONGODB')
const [definition] = definitions
const env = { root: '/', home: '/', profile: 'live', pipeline, id: 'out', resolve: (path: string) => path }

describe.skipIf(!url)('MongoDB', () => {
  test.each([1, 2])('answers random queries as core does over all rows: seed %i', async (seed) => {
    const server = makeServer(url!)
    const { sink, database } = await server.open({ collection: 'c', key: 'id', indexes: [['n'], ['name']] }, askedType)
    await sink.write(records(askedRows(300, seed)), writing)
    // Values of other types and none, where others have written into the collection.
    await server.client
      .db(database)
      .collection<{ _id: string }>('c')
      .insertMany([
        { _id: 'f0', id: 1000, name: 5, n: 7.5, x: '2.5', yes: 1, large: 10, at: '1970-01-01T00:00:02Z' },
        {
          _id: 'f1',
          id: 1001,
          name: { a: 1 },
          n: true,
          x: 9007199254740993n,
          large: '9',
          at: 'never',
          day: '1.12.2010',
        },
        { _id: 'f2', id: 1002, name: ['a'], n: '7', x: [1, 2.5], price: Decimal128.fromString('10.5') },
        { _id: 'f3', id: 1003, n: 9007199254740993n, x: 1e300, at: null },
        { _id: 'f4', name: 'a', n: 7, x: Decimal128.fromString('2.5') },
      ] as never)
    const options = resolved({ url: url as never, database, collection: 'c', key: 'id' })
    await expectSameAnswers(askedStore(definition as SinkDefinition, options, env, 'c', askedType), 150, seed)
  })
})
