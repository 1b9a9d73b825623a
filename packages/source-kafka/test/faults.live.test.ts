/**
 * The network and the broker fail under a writer and a reader. The engine's part, to repeat what failed with a system
 * error, is played by `persist`.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { freshRead, type Json, type Row, Secret, type Sink, type SystemError } from '@millrace/core'
import { type CuttingProxy, cuttingProxy, liveUrl } from '@millrace/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OwnBroker, ownBroker } from '../../../services/kafka/own.ts'
import { fresh, never, numbers, onBroker, records, rowsOf } from './broker.ts'

const url = liveUrl('KAFKA')
let broker: OwnBroker
let proxy: CuttingProxy

beforeAll(async () => {
  if (!url) return
  broker = await ownBroker({ secure: true, before: async (port) => (proxy = await cuttingProxy(port)).port })
}, 150_000)
afterAll(async () => {
  await proxy?.close()
  await broker?.close()
})

/** Repeats what failed with a system error that can pass. */
async function persist<T>(body: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await body()
    } catch (error) {
      if ((error as Error).name !== 'SystemError' || !(error as { retry?: boolean }).retry || attempt === 30)
        throw error
      await sleep(Math.min(2000, 100 * 2 ** attempt))
    }
  }
}

const save = (sink: Sink) => persist(async () => sink.flush!({ signal: never, epoch: 1, roll: false, end: false }))

/** Writes rows in epochs; `between` is called after each write with how many rows were handed over. */
async function writeAll(sink: Sink, rows: readonly Row[], between: (n: number) => Promise<void>): Promise<void> {
  for (let at = 0; at < rows.length; at += 300) {
    const part = records(rows.slice(at, at + 300))
    await persist(async () => sink.write(part, { signal: never, epoch: 1 }))
    await between(at + part.rows.length)
    if (at % 3000 === 2700) await save(sink)
  }
  await save(sink)
}

/**
 * Reads until every row was seen, from the last position on after each system error; gives what came, by its split, in
 * order.
 */
async function readAll(
  address: string,
  stream: string,
  rows: number,
  seen: Set<number>,
): Promise<Map<string, number[]>> {
  const { read } = onBroker([address])
  const positions = new Map<string, Json>()
  const came = new Map<string, number[]>()
  await persist(() =>
    read(
      stream,
      { stop: 'never' },
      {
        positions,
        onBatch(b) {
          const list = came.get(b.split) ?? []
          came.set(b.split, list)
          for (const row of b.rows) {
            list.push(row['n'] as number)
            seen.add(row['n'] as number)
          }
        },
        until: () => seen.size >= rows,
      },
    ),
  )
  return came
}

/**
 * The last time each number comes, and the first time, must be in the order of writing: a repeated send repeats all
 * that came after it.
 */
function expectOrder(came: Map<string, number[]>): void {
  for (const list of came.values()) {
    const first = [...new Set(list)]
    const last = [...new Set([...list].reverse())].reverse()
    for (const [which, order] of Object.entries({ first, last })) {
      const at = order.findIndex((n, i) => i > 0 && n < order[i - 1]!)
      expect(at < 0 ? [] : [which, ...order.slice(Math.max(0, at - 3), at + 3)], 'numbers out of order').toEqual([])
    }
  }
}

describe.skipIf(!url)('Kafka, when the network or the broker fails', () => {
  it('loses nothing that was flushed, and keeps the order of a partition, when answers to sends are lost', {
    timeout: 180_000,
  }, async () => {
    const stream = fresh()
    const rows = rowsOf(0, 30_000)
    const sink = await onBroker([broker.viaAddress]).sinkOf(stream)
    let writes = 0
    await writeAll(sink, rows, async () => {
      if (++writes % 8 === 0) await proxy.set({ cutAnswerOf: 1000 })
    })
    await proxy.set('none')
    await sink.close!()
    expect(proxy.cuts).toBeGreaterThanOrEqual(5)
    const came = await readAll(broker.address, stream, rows.length, new Set())
    expect([...new Set([...came.values()].flat())].sort((a, b) => a - b)).toEqual(rows.map((r) => r['n']))
    expectOrder(came)
  })

  it('gives each record once when answers to fetches are lost or the network is gone for a while', {
    timeout: 120_000,
  }, async () => {
    const stream = fresh()
    await onBroker([broker.address]).write(stream, rowsOf(0, 20_000))
    const cuts = proxy.cuts
    const seen = new Set<number>()
    const faults = (async () => {
      for (const fault of [
        { cutAnswerOf: 1 },
        'reset',
        { cutAnswerOf: 1 },
        'refuse',
        { bytesPerSecond: 400_000 },
        { cutAnswerOf: 1 },
      ] as const) {
        await sleep(250)
        await proxy.set(fault)
      }
    })()
    await proxy.set({ bytesPerSecond: 200_000 })
    const came = await readAll(broker.viaAddress, stream, 20_000, seen)
    await faults
    await proxy.set('none')
    expect(proxy.cuts).toBeGreaterThan(cuts)
    const all = [...came.values()].flat()
    expect(all).toHaveLength(20_000)
    expect(new Set(all).size).toBe(20_000)
    expectOrder(came)
  })

  it('asks a broker again as the engine retries, and goes on where it was', { timeout: 60_000 }, async () => {
    const stream = fresh()
    await onBroker([broker.address]).write(stream, rowsOf(0, 5000))
    const failed: string[] = []
    const again: string[] = []
    const batches = await onBroker([broker.viaAddress]).read(
      stream,
      {},
      {
        onBatch: (b) => void (b.rows.length > 0 && failed.length === 0 && proxy.set({ cutAnswerOf: 1 })),
        attempts: (doing) => ({
          async waitToRetry(error) {
            failed.push(`${doing}: ${(error as Error).name}`)
            await proxy.set('none')
          },
          succeeded: () => void (failed.length > 0 && again.push(doing)),
        }),
      },
    )
    await proxy.set('none')
    expect(failed.length).toBeGreaterThan(0)
    expect([new Set(failed).size, failed[0]]).toEqual([
      1,
      expect.stringMatching(/^fetching from broker \d+: SystemError$/),
    ])
    expect(again.length).toBeGreaterThan(0)
    expect(numbers(batches)).toEqual(rowsOf(0, 5000).map((row) => row['n']))
  })

  it.each(['while it connects', 'while it reads'])(
    'stops within a second of the abort, and is closed soon, though nobody answers %s',
    { timeout: 60_000 },
    async (when) => {
      const stream = fresh()
      const through = onBroker([broker.viaAddress])
      await onBroker([broker.address]).write(stream, rowsOf(0, 10))
      const source = through.sourceOf(stream, { stop: 'never', max_wait: 5000 })
      const stop = new AbortController()
      if (when === 'while it connects') await proxy.set('black_hole')
      const reading = (async () => {
        for await (const _ of source.read(freshRead(stop.signal)));
      })()
      await sleep(1000)
      await proxy.set('black_hole')
      const startedMs = performance.now()
      stop.abort()
      const ended = await Promise.race([reading.then(() => 'ended'), sleep(1000, 'late')])
      await source.close!()
      const tookMs = performance.now() - startedMs
      await proxy.set('none')
      expect(ended).toBe('ended')
      expect(tookMs).toBeLessThan(2500)
    },
  )

  it('goes on, writing and reading, when the broker is killed and started again', { timeout: 240_000 }, async () => {
    const stream = fresh()
    const rows = rowsOf(0, 60_000)
    const seen = new Set<number>()
    const sink = await onBroker([broker.address]).sinkOf(stream)
    const reading = readAll(broker.address, stream, rows.length, seen)
    let restarted: Promise<void> | undefined
    await writeAll(sink, rows, async (n) => {
      if (n === 20_100)
        restarted = (async () => {
          await broker.kill()
          await sleep(1000)
          await broker.start()
        })()
    })
    await restarted
    await sink.close!()
    const came = await reading
    expect([...seen].sort((a, b) => a - b)).toEqual(rows.map((r) => r['n']))
    expectOrder(came)
  })

  it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])(
    'logs in by %s over TLS, and says what is wrong with a password',
    { timeout: 60_000 },
    async (mechanism) => {
      const { address, ca, user, password } = broker.secure!
      const stream = fresh()
      const login = (word: string) => ({
        tls: { ca, reject_unauthorized: true },
        sasl: { mechanism, username: user, password: new Secret(word) },
      })
      const through = onBroker([address])
      await through.write(stream, rowsOf(0, 1000), login(password))
      expect(numbers(await through.read(stream, login(password)))).toHaveLength(1000)
      const refused = through.read(stream, login('wrong'))
      await expect(refused).rejects.toMatchObject({ code: 'unauthorized', retry: false })
      await expect(refused).rejects.not.toThrow(/wrong"|wrong'/)
      await expect(
        through.read(stream, { ...login(password), tls: { ca: undefined, reject_unauthorized: true } }),
      ).rejects.toMatchObject({ code: 'tls_untrusted', retry: false, hint: expect.stringContaining('`tls.ca`') })
    },
  )

  it('says at once why a connection fails, each cause by its code', { timeout: 60_000 }, async () => {
    const { address: secure, ca, user, password } = broker.secure!
    const tls = { ca, reject_unauthorized: true }
    const sasl = { mechanism: 'PLAIN', username: user, password: new Secret(password) }
    const http = createServer((_, response) => response.end()).listen(0, '127.0.0.1')
    await once(http, 'listening')
    const web = `127.0.0.1:${(http.address() as AddressInfo).port}`
    const cases: readonly (readonly [to: string, options: Record<string, unknown>, code: string, says: RegExp])[] = [
      [secure, { sasl }, 'tls_failed', /set `tls`/],
      [secure, {}, 'tls_failed', /set `tls`/],
      [secure, { tls }, 'kafka_unavailable', /expect a login \(`sasl`\)/],
      [secure.replace('127.0.0.1', 'localhost'), { tls, sasl }, 'tls_untrusted', /a name that is in the certificate/],
      [broker.address, { tls }, 'tls_failed', /remove `tls`/],
      [broker.address, { sasl }, 'unauthorized', /remove `sasl`/],
      ['no-such-host.invalid:9092', {}, 'unknown_host', /there is no host no-such-host\.invalid/],
      ['127.0.0.1:9', {}, 'kafka_unavailable', /ECONNREFUSED/],
      [web, {}, 'kafka_unavailable', /is it a broker’s/],
    ]
    try {
      for (const [to, options, code, says] of cases) {
        const once = { waitToRetry: (error: Error) => Promise.reject(error), succeeded: () => {} }
        const failed = await onBroker([to])
          .read(fresh(), options, { attempts: () => once })
          .catch((error: SystemError) => error)
        expect([to, (failed as SystemError).code]).toEqual([to, code])
        expect(`${(failed as SystemError).message}\n${(failed as SystemError).hint}`).toMatch(says)
      }
    } finally {
      http.close()
    }
  })
})
