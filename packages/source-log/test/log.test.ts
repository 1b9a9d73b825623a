import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  type Batch,
  batch,
  type Env,
  freshRead,
  isBatch,
  type Json,
  Records,
  type RecordType,
  type Row,
  type SinkDefinition,
  type SourceDefinition,
} from '@millrace/core'
import { openLog } from '@millrace/client-log'
import { readingPeak } from '@millrace/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sinkLog } from '../../sink-log/src/sink.ts'
import { sourceLog } from '../src/source.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const schema: RecordType = {
  fields: { n: { type: { kind: 'integer' }, optional: false }, name: { type: { kind: 'string' }, optional: true } },
}
const env = (): Env => ({
  root: home,
  home,
  profile: 'local',
  pipeline: 'p',
  id: 'x',
  resolve: (path) => join(home, path),
})
const records = (rows: readonly Row[], from = 0) =>
  new Records({
    rows,
    pipeline: 'p',
    from: [{ source: 's', batch: batch({ split: 'a', rows, positionAt: (i) => from + i }) }],
  })

async function write(rows: readonly Row[], more: Record<string, unknown> = {}, from = 0) {
  const sink = (sinkLog as SinkDefinition).create(
    { stream: 'orders', format: 'json', value_field: 'value', partitions: 1, order: 'strict', ...more },
    { ...env(), schema },
  )
  await sink.open!({
    signal: new AbortController().signal,
    incarnation: 1,
    start: 'test',
    instance: { i: 0, n: 1 },
    warn: () => {},
  })
  await sink.write(records(rows, from), { signal: new AbortController().signal, epoch: 1 })
  await sink.close!()
}

const defaults = {
  stream: 'orders',
  format: 'json',
  value_field: 'value',
  path: 'log',
  start: 'earliest',
  stop: 'never',
  on_gap: 'fail',
  poll: 5,
}

function sourceOf(more: Record<string, unknown>, type = schema) {
  const options = { ...defaults, ...more }
  return (sourceLog as SourceDefinition).create(options, { ...env(), schema: type, unknownFields: 'drop' })
}

/** Reads on at the end of the stream. */
const follow = (signal: AbortSignal, more: Record<string, unknown> = {}) => sourceOf(more).read(freshRead(signal))

async function readAll(
  positions = new Map<string, Json>(),
  more: Record<string, unknown> = {},
  type = schema,
): Promise<{ rows: Row[]; ids: string[]; batches: Batch[] }> {
  const source = sourceOf({ stop: 'end', ...more }, type)
  const [rows, ids, batches]: [Row[], string[], Batch[]] = [[], [], []]
  const ctx = freshRead(new AbortController().signal, { resume: (split) => positions.get(split) })
  for await (const b of source.read(ctx)) {
    if (!isBatch(b)) continue
    batches.push(b)
    rows.push(...b.rows)
    b.rows.forEach((_, i) => ids.push(b.idAt!(i)!))
    if (b.position !== undefined) positions.set(b.split, b.position)
  }
  return { rows, ids, batches }
}
const numbers = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, k) => ({ n: from + k, name: `n\n${from + k}` }))

describe('the embedded log', () => {
  it('gives what was written, in order, under the ids it came with', async () => {
    await write(numbers(0, 2500))
    const { rows, ids } = await readAll()
    expect(rows).toEqual(numbers(0, 2500))
    expect(ids[2499]).toBe('p/s/a@2499')
  })

  it('keeps every id as it came, whatever is in it', async () => {
    const odd = [
      ['a,b', 'c'],
      ['', ''],
      ['x'],
      ['key/0', 'key/1', 'kez'],
      Array.from({ length: 500 }, (_, i) => `a long id, and more of it ${i}`),
    ]
    const log = openLog(join(home, 'log', 'orders.db'), { partitions: 1 })!
    const chunk = { partition: 0, time: 1, keys: undefined, headers: undefined, nulls: undefined, ends: undefined }
    for (const ids of odd)
      log.append([{ ...chunk, count: ids.length, ids, body: Buffer.from('{"n":1}\n'.repeat(ids.length)) }])
    const parts = [
      { common: 'p/s/a@', rests: [7, 8] },
      { common: 'p/s/', rests: ['a@1,2', 'b'] },
    ]
    for (const ids of parts) log.append([{ ...chunk, count: 2, ids, body: Buffer.from('{"n":1}\n{"n":2}\n') }])
    log.close()
    expect((await readAll()).ids).toEqual([...odd.flat(), 'p/s/a@7', 'p/s/a@8', 'p/s/a@1,2', 'p/s/b'])
  })

  it('resumes after every batch', async () => {
    for (let k = 0; k < 10; k++) await write(numbers(k * 10, k * 10 + 10))
    const { batches } = await readAll()
    for (const [k, b] of batches.entries()) {
      if (b.position === undefined) continue
      expect((await readAll(new Map([[b.split, b.position]]))).rows).toEqual(
        batches.slice(k + 1).flatMap((x) => x.rows),
      )
    }
  })

  it('keeps the records of a key in one partition and in order', async () => {
    await write(numbers(0, 300), { partitions: 4, key: 'name' })
    const { rows, batches } = await readAll()
    expect(rows.length).toBe(300)
    expect(new Set(batches.map((b) => b.split)).size).toBe(4)
    expect(batches.find((b) => b.rows.length)!.keys![0]).toMatch(/^n\n/)
  })

  it('is readable while it is written, and a reader comes to its end', async () => {
    await write(numbers(0, 5))
    const abort = new AbortController()
    const seen: number[] = []
    let ends = 0
    for await (const given of follow(abort.signal)) {
      if (isBatch(given)) seen.push(...given.rows.map((r) => r['n'] as number))
      if (!('caughtUp' in given)) continue
      if (ends++ === 0) await write(numbers(5, 8))
      if (seen.length === 8) abort.abort()
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('is read from its beginning where it was waited for, whatever `start` says', async () => {
    const abort = new AbortController()
    const seen: number[] = []
    let isWritten = false
    for await (const given of follow(abort.signal, { start: 'latest' })) {
      if (isBatch(given)) seen.push(...given.rows.map((r) => r['n'] as number))
      if ('caughtUp' in given && !isWritten) {
        expect(given.caughtUp).toEqual(['0'])
        isWritten = true
        await write(numbers(0, 5))
      } else if ('caughtUp' in given) abort.abort()
    }
    expect(seen).toEqual([0, 1, 2, 3, 4])
  })

  it('has its beginning saved before any record, so that `start` is asked once', async () => {
    await write(numbers(0, 5), { partitions: 2 })
    const positions = new Map<string, Json>()
    const abort = new AbortController()
    for await (const given of follow(abort.signal, { start: 'latest' })) {
      if (isBatch(given)) positions.set(given.split, given.position!)
      else if ('caughtUp' in given) abort.abort()
    }
    expect([...positions.keys()]).toEqual(['0', '1'])
    await write(numbers(5, 8))
    expect((await readAll(positions, { start: 'latest' })).rows).toEqual(numbers(5, 8))
    // A crash between the saves of two partitions: the other one has lost nothing.
    positions.delete('1')
    await write(numbers(8, 20), { key: 'name' })
    expect((await readAll(positions, { start: 'latest' })).rows.length).toBeGreaterThanOrEqual(12)
  })

  it('stops a reader whose log is removed or replaced', async () => {
    await write(numbers(0, 5))
    const positions = new Map<string, Json>()
    await readAll(positions)
    rmSync(join(home, 'log'), { recursive: true })
    await expect(readAll(positions)).rejects.toMatchObject({ code: 'source_replaced' })
    expect((await readAll()).rows).toEqual([])
    await write(numbers(0, 5))
    await expect(readAll(positions)).rejects.toMatchObject({ code: 'source_replaced' })
    const reading = async () => {
      let isGone = false
      for await (const given of follow(new AbortController().signal)) {
        if (!('caughtUp' in given) || isGone) continue
        isGone = true
        rmSync(join(home, 'log'), { recursive: true })
        await write(numbers(0, 9))
      }
    }
    await expect(reading()).rejects.toMatchObject({ code: 'source_replaced', hint: expect.stringContaining('reset') })
  })

  it('is given out in batches of about a MiB, however large a write was', async () => {
    const large = 'x'.repeat(300_000)
    await write(Array.from({ length: 40 }, (_, n) => ({ n, name: large })))
    await write([{ n: 40, name: large.repeat(6) }])
    const values = Array.from({ length: 9 }, (_, n) => Buffer.alloc(400_000, n))
    const log = openLog(join(home, 'log', 'orders.db'))!
    let at = 0
    const common = { partition: 0, time: 1, headers: undefined, nulls: undefined }
    log.append([
      {
        ...common,
        count: 9,
        ids: { common: 'b', rests: values.map((_, n) => n) },
        keys: values.map((_, n) => `k${n}`),
        body: Buffer.concat(values),
        ends: Int32Array.from(values, (value) => (at += value.length)),
      },
    ])
    const bytes = log.read(0, 41, 1 << 30)
    log.close()
    expect(bytes.flatMap(({ ids }) => ids)).toEqual(values.map((_, n) => `b${n}`))
    expect(bytes.flatMap(({ keys }) => keys)).toEqual(values.map((_, n) => `k${n}`))
    expect(
      bytes.flatMap(({ body, ends }) =>
        Array.from(ends!, (end, i) => Buffer.from(body.subarray(ends![i - 1] ?? 0, end))),
      ),
    ).toEqual(values)
    const { batches } = await readAll(
      new Map(),
      { format: 'bytes', value_field: 'value' },
      {
        fields: { value: { type: { kind: 'bytes' }, optional: false } },
      },
    )
    expect(batches.flatMap((b) => b.rows)).toHaveLength(50)
    for (const b of batches) expect(b.rows.length === 1 || b.bytes < 1 << 21).toBe(true)
  })

  it('of 500 records of a MB, written a hundred at once, is read in little memory', { timeout: 60_000 }, async () => {
    for (let at = 0; at < 500; at += 100)
      await write(Array.from({ length: 100 }, (_, n) => ({ n: at + n, name: String(n % 10).repeat(1e6) })))
    const making = { options: { ...defaults, stop: 'end' }, schema }
    const module = new URL('../src/index.ts', import.meta.url)
    const { records, grownBytes } = await readingPeak({ module, type: 'log' }, making, { root: home, env: env() })
    expect(records).toBe(500)
    expect(grownBytes).toBeLessThan(150e6)
  })

  it('refuses options that do not fit the schema before anything is read', async () => {
    for (const [more, message] of [
      [{ key_field: 'key' }, 'key is not a field of the schema'],
      [{ timestamp_field: 'name' }, 'name is of type string, not timestamp'],
      [{ headers_field: 'n' }, 'n is of type integer'],
      [{ format: 'text', value_field: 'value' }, 'value is not a field of the schema'],
      [{ format: 'bytes', value_field: 'name' }, 'name is of type string'],
      [{ format: 'text', value_field: 'name' }, 'nothing provides the required field n'],
      [{ partitioned_by: ['n', 'customer'] }, 'customer is not a field of the schema'],
    ] as const)
      await expect(readAll(new Map(), more)).rejects.toMatchObject({
        code: 'bad_value',
        message: expect.stringContaining(message),
        exitCode: 2,
      })
  })

  it('says that its writer may repeat a record, and by what it is partitioned', () => {
    const told = (more: object) =>
      (sourceLog as SourceDefinition).capabilities({ format: 'json', stop: 'end', ...more })
    expect(told({})).toMatchObject({ repeats: { id: 'same' } })
    expect(told({}).partitionedBy).toBeUndefined()
    expect(told({ partitioned_by: ['name'] }).partitionedBy).toEqual(['name'])
  })

  it('stops when the log was recreated, and when retention has removed what comes next', async () => {
    await write(numbers(0, 10))
    const positions = new Map<string, Json>()
    await readAll(positions)
    await expect(readAll(new Map([['0', { log: 'another', next: 3 }]]))).rejects.toMatchObject({
      code: 'source_replaced',
    })
    for (let k = 1; k < 6; k++) await write(numbers(k * 10, k * 10 + 10), { retention: { size: 300 } })
    await expect(readAll(positions)).rejects.toMatchObject({ code: 'offset_out_of_range' })
    expect((await readAll(positions, { on_gap: 'earliest' })).rows.at(-1)!['n']).toBe(59)
  })

  it('is not touched where another version has made it', async () => {
    mkdirSync(join(home, 'log'))
    const old = new DatabaseSync(join(home, 'log', 'orders.db'))
    old.exec(`CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL); INSERT INTO meta VALUES ('id', 'x'), ('partitions', '1');
      CREATE TABLE chunk (partition INTEGER, base INTEGER, count INTEGER, time INTEGER, ids TEXT, keys TEXT, headers TEXT, body BLOB, ends BLOB)`)
    old.close()
    for (const use of [() => write(numbers(0, 2)), () => readAll()])
      await expect(use()).rejects.toMatchObject({
        code: 'log_unreadable',
        message: expect.stringContaining('another version'),
      })
  })

  it('lists a value that is no record of the schema with its bytes, and reads on', async () => {
    await write(numbers(0, 2))
    const log = openLog(join(home, 'log', 'orders.db'))!
    log.append([
      {
        partition: 0,
        count: 2,
        time: 1,
        ids: ['a', 'b'],
        keys: undefined,
        headers: undefined,
        nulls: undefined,
        body: Buffer.from('{"n":"x"}\n{"n":7}\n'),
        ends: undefined,
      },
    ])
    log.close()
    const { batches, rows } = await readAll()
    expect(rows.map((r) => r['n'])).toEqual([0, 1, 7])
    const bad = batches.flatMap((b) => b.bad ?? [])
    expect(bad).toMatchObject([{ position: 2, id: 'a', field: 'n' }])
    expect(Buffer.from(bad[0]!.bytes).toString()).toBe('{"n":"x"}')
  })
})
