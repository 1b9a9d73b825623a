/**
 * What can be read only once: FIFOs and sockets by their paths, and records that are handed out while more is to come.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { ByteSource, RecordReader } from '../../formats/src/reader.ts'
import { type FileReadFormat, fileReadFormats } from '../../formats-columnar/src/formats.ts'
import { live } from '../../formats/test/csv-read.ts'
import { file, fresh, numbers, put, root, run, schema } from './files-run.ts'

describe('a path of a pipe', () => {
  const fifo = (name: string) => {
    execFileSync('mkfifo', [join(root, name)])
    return { feed: (script: string) => spawn('sh', ['-c', `(${script}) > '${join(root, name)}'`]) }
  }

  it('is read as it fills, once, under ids of its own', async () => {
    const { feed } = fifo('p.csv')
    const came: number[] = []
    const started = performance.now()
    const read = () =>
      run('p.csv', fresh(), { onBatch: ({ rows }) => void (rows.length && came.push(performance.now() - started)) })
    const runs = []
    for (const pause of ['0.5', '0']) {
      feed(`printf 'a,b\n1,x\n2,'; sleep ${pause}; printf 'y\n'; sleep ${pause}`)
      runs.push(await read())
    }
    for (const seen of runs) {
      expect(numbers(seen)).toEqual([1, 2])
      expect(seen.batches.every(({ position }) => position === undefined)).toBe(true)
      expect(seen.batches.at(-1)).toMatchObject({ end: true })
      expect(seen.splits).toMatchObject([{ complete: true, splits: [{ id: expect.stringMatching(/^p\.csv#/) }] }])
      expect(seen.warnings).toEqual([expect.stringMatching(/p\.csv can be read only once/)])
    }
    expect(runs[0]!.splits[0]!.splits[0]!.id).not.toBe(runs[1]!.splits[0]!.splits[0]!.id)
    // The first record came while the writer slept.
    expect(came[1]! - came[0]!).toBeGreaterThan(300)
  })

  it('stands among files in its turn', async () => {
    put('a.csv', file(0, 2))
    const { feed } = fifo('b.csv')
    put('c.csv', file(4, 6))
    feed("printf 'a,b\\n2,x\\n3,x\\n'")
    expect(numbers(await run(['a.csv', 'b.csv', 'c.csv']))).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('lets go within a second of the abort, with and without a writer', async () => {
    const { feed } = fifo('p.csv')
    for (const writes of [false, true]) {
      const stop = new AbortController()
      const writer = writes ? feed("printf 'a,b\\n1,x\\n'; sleep 5") : undefined
      const reading = run('p.csv', fresh(), { signal: stop.signal })
      await sleep(200)
      stop.abort()
      const late = sleep(1000, 'late', { ref: false })
      expect(await Promise.race([reading.catch((error) => (error as Error).name), late])).toBe('AbortError')
      writer?.kill()
    }
  })

  it('may be a socket', async () => {
    const path = join(root, 's.csv')
    const server = createServer((socket) => socket.end('a,b\n1,x\n')).listen(path)
    await once(server, 'listening')
    expect(numbers(await run('s.csv'))).toEqual([1])
    server.close()
    await once(server, 'close')
    await expect(run('s.csv')).rejects.toMatchObject({ code: 'input_missing', exitCode: 3 })
  })
})

describe('a pause of the input', () => {
  const readerOf = (format: FileReadFormat): RecordReader =>
    fileReadFormats.open(format, { schema, unknownFields: 'drop' }).reader

  /** What has come by each pause, where the bytes come in these parts. */
  async function byPauses(format: FileReadFormat, parts: readonly string[]): Promise<unknown[][]> {
    const seen: unknown[][] = []
    let now: unknown[] = []
    const input: ByteSource = {
      async *stream() {
        for (const part of parts) {
          yield Buffer.from(part)
          yield new Uint8Array(0)
          seen.push(now)
          now = []
        }
      },
      slice: () => Promise.reject(new Error('no')),
    }
    for await (const { rows, bad } of readerOf(format).read(input, undefined, live))
      now.push(...rows.map((row) => row['a']), ...(bad ?? []).map(({ code }) => code))
    return [...seen, now]
  }
  const quoted = '"' + 'x'.repeat(500) + '"'

  it('finds each complete record handed out, bad ones too, in every format', async () => {
    expect(
      await byPauses({ type: 'csv' }, ['a,b\n1,', 'x', '\n', `2,${quoted}`, '\n', 'no,y\n', '3,"', '\n"\n4,z']),
    ).toEqual([[], [], [1], [], [2], ['not_integer'], [], [3], [4]])
    const object = (a: number) => JSON.stringify({ a, b: 'x'.repeat(300) })
    expect(await byPauses({ type: 'jsonl' }, [object(1), '\n', `${object(2)}\nbad\n{"a"`, ':3,"b":""}'])).toEqual([
      [],
      [1],
      [2, 'bad_json'],
      [],
      [3],
    ])
    expect(await byPauses({ type: 'json' }, [`[${object(1)}`, `,${object(2)},{"a"`, ':3,"b":""}]', '\n'])).toEqual([
      [],
      [1, 2],
      [3],
      [],
      [],
    ])
  })
})
