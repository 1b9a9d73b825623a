/**
 * What happens when the server or the network fails: nothing is lost, nothing is blamed on a record, no secret is told.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Secret, type RecordType, type Row } from '@millrace/core'
import { type CuttingProxy, cuttingProxy, liveUrl } from '@millrace/testkit'
import definitions from '../src/index.ts'
import { makeServer, openContext, pipeline, records, resolved, writing } from './server.ts'

const url = liveUrl('MONGODB')
const [definition] = definitions
const schema: RecordType = { fields: { n: { type: { kind: 'integer' }, optional: false } } }
const rows: Row[] = Array.from({ length: 500 }, (_, n) => ({ n }))
const env = { root: '/', home: '/', profile: 'live', pipeline: 'p', id: 'out', resolve: (path: string) => path }

describe.skipIf(!url)('faults', () => {
  const server = makeServer(url ?? 'mongodb://127.0.0.1')
  let proxy: CuttingProxy
  let through = ''
  beforeAll(async () => {
    const { hostname, port } = new URL(url!)
    proxy = await cuttingProxy(Number(port), hostname)
    // Directly, or the driver would go on to the address that the replica set tells.
    through = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`
  })
  afterAll(() => proxy?.close())
  afterEach(async () => {
    await proxy?.set('none')
    await server.client.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' })
  })
  /** The next `times` writes fail in this way. */
  const failWrites = (times: number, data: Readonly<Record<string, unknown>>) =>
    server.client.db('admin').command({
      configureFailPoint: 'failCommand',
      mode: { times },
      data: { failCommands: ['update', 'insert'], appName: `millrace ${pipeline}`, ...data },
    })

  test('an answer that is lost on the wire: the write is repeated, and leaves the documents once', async () => {
    const { sink, database } = await server.open({ collection: 'c' }, schema, { url: through })
    await sink.write(records(rows.slice(0, 1), 1000), writing)
    await proxy.set({ cutAnswerOf: 5000 })
    try {
      // The driver repeats it once by itself.
      await sink.write(records(rows), writing)
    } catch (error) {
      expect(error).toMatchObject({ name: 'SystemError', retry: true })
    }
    await sink.write(records(rows), writing)
    expect(proxy.cuts).toBe(1)
    expect(await server.documents(database, 'c')).toHaveLength(501)
  })

  test('a connection that breaks in a bulk write is a system error to be retried', async () => {
    const { sink, database } = await server.open({ collection: 'c' }, schema, { url: through })
    await sink.write(records(rows.slice(0, 1)), writing)
    await proxy.set('reset')
    await expect(sink.write(records(rows), writing)).rejects.toMatchObject({
      name: 'SystemError',
      code: 'unavailable',
      retry: true,
    })
    await proxy.set('none')
    await sink.write(records(rows), writing)
    expect(await server.documents(database, 'c')).toHaveLength(500)
  })

  // The driver waits for a full buffer to drain without noticing that the connection is gone: see client-mongodb.
  test('a write that the server never reads to its end fails, and is not waited for for ever', async () => {
    const { sink, database } = await server.open(
      { collection: 'c' },
      { fields: { text: { type: { kind: 'string' }, optional: false } } },
      { url: through },
    )
    const large = records(Array.from({ length: 64 }, () => ({ text: 'x'.repeat(200_000) })))
    await sink.write(records([{ text: 'small' }], 1000), writing)
    await proxy.set('frozen')
    await expect(sink.write(large, writing)).rejects.toMatchObject({ code: 'unavailable', retry: true })
    await proxy.set('none')
    await sink.write(large, writing)
    expect(await server.documents(database, 'c')).toHaveLength(65)
  }, 60_000)

  test('an election in a write is waited for, or told as a system error', async () => {
    const { sink, database } = await server.open({ collection: 'c' }, schema)
    await failWrites(1, { errorCode: 10_107, errorLabels: ['RetryableWriteError'] })
    await sink.write(records(rows), writing)
    await failWrites(5, { errorCode: 11_602 })
    await expect(sink.write(records(rows), writing)).rejects.toMatchObject({
      name: 'SystemError',
      code: 'unavailable',
      retry: true,
    })
    expect(await server.documents(database, 'c')).toHaveLength(500)
  })

  test('a majority that could not be had is an unknown outcome, to be repeated', async () => {
    const { sink } = await server.open({ collection: 'c' }, schema)
    await failWrites(1, { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } })
    await expect(sink.write(records(rows), writing)).rejects.toMatchObject({
      name: 'SystemError',
      code: 'unknown_outcome',
      retry: true,
    })
    await sink.write(records(rows), writing)
  })

  test('a right that is missing stops at once', async () => {
    const { sink } = await server.open({ collection: 'c' }, schema)
    await failWrites(1, { errorCode: 13 })
    await expect(sink.write(records(rows), writing)).rejects.toMatchObject({
      name: 'SystemError',
      code: 'unauthorized',
      retry: false,
    })
  })

  test('a server that is silent ends with the signal', async () => {
    const { sink } = await server.open({ collection: 'c' }, schema, { url: through })
    await proxy.set('black_hole')
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 100)
    const startedMs = performance.now()
    await expect(sink.write(records(rows), { signal: abort.signal, epoch: 1 })).rejects.toThrow()
    expect(performance.now() - startedMs).toBeLessThan(1000)
  })

  test('a server that is down at the start is named, and can be retried', async () => {
    const sink = definition!.create(
      resolved({ url: 'mongodb://127.0.0.1:1/' as never, database: 'd', collection: 'c' }),
      { ...env, schema },
    )
    await expect(sink.open!(openContext())).rejects.toMatchObject({
      name: 'SystemError',
      code: 'unavailable',
      retry: true,
      message: expect.stringContaining('127.0.0.1:1'),
    })
    await sink.close!()
  }, 20_000)

  test('a wrong password stops at once and is told nowhere', async () => {
    const { host } = new URL(url!)
    const secret = 'p%40ss-w0rd'
    for (const options of [
      { url: new Secret(`mongodb://user:${secret}@${host}/?directConnection=true`) },
      { url: new Secret(`mongodb://${host}/?directConnection=true`), username: 'user', password: new Secret(secret) },
    ]) {
      const sink = definition!.create(resolved({ ...options, database: 'd', collection: 'c' }), { ...env, schema })
      const error = await (sink.open!(openContext()) as Promise<void>).catch(
        (thrown: unknown) => thrown as Error & { code: string; retry: boolean },
      )
      expect(error).toMatchObject({ name: 'SystemError', code: 'unauthorized', retry: false })
      const { inspect } = await import('node:util')
      for (const text of [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), String(error)]) {
        expect(text).not.toContain(secret)
        expect(text).not.toContain(decodeURIComponent(secret))
      }
    }
  })

  test('what is acknowledged is on the journals of a majority', async () => {
    const { sink } = await server.open({ collection: 'journalled' }, schema)
    await failWrites(1, { blockConnection: true, blockTimeMS: 500 })
    const written = sink.write(records(rows.slice(0, 2)), writing)
    const inProgress = () =>
      server.client
        .db('admin')
        .aggregate([{ $currentOp: {} }, { $match: { 'command.update': 'journalled' } }])
        .toArray()
    await expect.poll(inProgress).toMatchObject([{ command: { writeConcern: { w: 'majority', j: true } } }])
    await written
  })
})
