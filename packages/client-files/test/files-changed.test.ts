/** Files that are not what they were: between two runs, and while they are read. */
import { appendFileSync, copyFileSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { type Disk, type FileState, nodeDisk } from '../src/disk.ts'
import { fileWriteFormats } from '../../formats-columnar/src/formats.ts'
import { file, fresh, lines, numbers, put, root, run, schema } from './files-run.ts'

const at = (name: string) => join(root, name)
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

describe('resumed files', () => {
  it('go on behind what was saved, plain and compressed, at every stop', async () => {
    put('a.csv', file(0, 2500))
    put('b.csv.zst', zstdCompressSync(Buffer.from(file(2500, 5000))))
    const whole = await run(['a.csv', 'b.csv.zst'])
    expect(numbers(whole)).toEqual(Array.from({ length: 5000 }, (_, i) => i))
    for (let stop = 1; stop < whole.batches.length; stop++) {
      const state = fresh()
      const first = await run(['a.csv', 'b.csv.zst'], state, { stop })
      const rest = await run(['a.csv', 'b.csv.zst'], state)
      expect([...numbers(first), ...numbers(rest)]).toEqual(numbers(whole))
    }
  })

  it('are found out when they changed, became shorter or were removed in the middle', async () => {
    const changes: [change: () => void, how: RegExp][] = [
      [() => put('a.csv', file(1, 3000)), /has been changed at its beginning/],
      [() => put('a.csv', `a,b\n0,text\n1,TEXT\n${lines(2, 3000)}`), /has been changed/],
      [() => put('a.csv', file(0, 3000).replace('900,text', '900,next')), /has been changed/],
      [() => put('a.csv', file(0, 3000).replace('900,text', '900,longer text')), /has been changed/],
      [() => truncateSync(join(root, 'a.csv'), 8000), /shorter/],
      [() => rmSync(join(root, 'a.csv')), /removed/],
      [() => renameSync(join(root, 'a.csv'), join(root, 'z.csv')), /removed/],
    ]
    for (const [change, how] of changes) {
      rmSync(join(root, 'z.csv'), { force: true })
      put('a.csv', file(0, 3000))
      put('b.csv', file(0, 1))
      const state = fresh()
      await run('.', state, { stop: 2 })
      change()
      await expect(run('.', state)).rejects.toMatchObject({
        code: 'input_changed',
        message: expect.stringMatching(how),
        hint: expect.stringContaining('state reset'),
      })
    }
  })

  it('may be mended behind what was saved, plain and compressed', async () => {
    const mended = file(0, 3000).replace('2900,text', '2900,next')
    for (const [name, packed] of [
      ['a.csv', (text: string) => text],
      ['a.csv.gz', (text: string) => gzipSync(text)],
      ['a.csv.zst', (text: string) => zstdCompressSync(text)],
    ] as const) {
      put(name, packed(file(0, 3000)))
      const state = fresh()
      const first = await run(name, state, { stop: 2 })
      put(name, packed(mended))
      const rest = await run(name, state)
      expect([...numbers(first), ...numbers(rest)], name).toEqual(upTo(3000))
      expect(rest.rows.find((row) => row['a'] === 2900)).toMatchObject({ b: 'next' })
    }
  })

  it('of a compressed kind are found out too', async () => {
    put('a.csv.gz', gzipSync(file(0, 3000)))
    const state = fresh()
    await run('.', state, { stop: 2 })
    put('a.csv.gz', gzipSync(file(0, 1200)))
    await expect(run('.', state)).rejects.toMatchObject({
      code: 'input_changed',
      message: expect.stringContaining('shorter'),
    })
  })

  it('that are finished are not read again, while new ones are', async () => {
    put('in/a.csv', file(0, 3))
    const state = fresh()
    expect(numbers(await run('in', state))).toEqual([0, 1, 2])
    expect(numbers(await run('in', state))).toEqual([])
    put('in/b.csv', file(3, 5))
    put('in/0.csv', file(5, 6))
    expect(numbers(await run('in', state))).toEqual([5, 3, 4])
    put('in/a.csv', file(7, 9))
    expect(numbers(await run('in', state))).toEqual([7, 8])
  })

  it('that have grown at a line end are gone on with; in the middle of a line is an error', async () => {
    put('a.csv', file(0, 3))
    const state = fresh()
    await run('a.csv', state)
    appendFileSync(join(root, 'a.csv'), '3,text\n4,te')
    expect(numbers(await run('a.csv', state))).toEqual([3, 4])
    appendFileSync(join(root, 'a.csv'), 'xt\n')
    await expect(run('a.csv', state)).rejects.toMatchObject({
      code: 'input_changed',
      message: expect.stringContaining('middle of its last line'),
    })
  })
})

describe('a last record without a line end', () => {
  const going = { continues: true }

  it('waits until it is whole where later runs go on', async () => {
    put('a.csv', `${file(0, 3)}3,te`)
    const state = fresh()
    const first = await run('a.csv', state, going)
    expect(numbers(first)).toEqual([0, 1, 2])
    expect(first.warnings).toEqual([
      'a.csv does not end with a line break: the rest after byte 25 is left for a later run, once it is a complete record',
    ])
    expect(numbers(await run('a.csv', state, going))).toEqual([])
    appendFileSync(at('a.csv'), 'xt\n4,"te\n')
    expect((await run('a.csv', state, going)).rows).toEqual([{ a: 3, b: 'text' }])
    appendFileSync(at('a.csv'), 'xt"\n')
    const last = await run('a.csv', state, going)
    expect([last.rows, last.warnings]).toEqual([[{ a: 4, b: 'te\nxt' }], []])
    expect((await run('a.csv', state, going)).batches).toEqual([])
  })

  it('waits from its header on', async () => {
    const state = fresh()
    for (const [more, rows] of [
      ['a,', []],
      ['b', []],
      ['\n', []],
      ['1', []],
      ['2,text', []],
      ['s\r', []],
      ['\n', [{ a: 12, b: 'texts' }]],
    ] as const) {
      appendFileSync(at('a.csv'), more)
      const { rows: got, warnings } = await run('a.csv', state, going)
      expect([more, got, warnings.length]).toEqual([more, rows, more === '\n' ? 0 : 1])
    }
  })

  it('may be rewritten while it waits', async () => {
    put('a.csv', `${file(0, 3)}3,te`)
    const state = fresh()
    await run('a.csv', state, going)
    put('a.csv', file(0, 4))
    expect(numbers(await run('a.csv', state, going))).toEqual([3])
  })

  it('waits in JSON lines too', async () => {
    const format = { type: 'jsonl' } as const
    put('a.jsonl', '{"a":1,"b":"x"}\n{"a":2,')
    const state = fresh()
    expect(numbers(await run('a.jsonl', state, { ...going, format }))).toEqual([1])
    appendFileSync(at('a.jsonl'), '"b":"y"}\n')
    const rest = await run('a.jsonl', state, { ...going, format })
    expect([numbers(rest), rest.batches.some(({ bad }) => bad)]).toEqual([[2], false])
  })

  it('is read where the file is complete: the run is whole, the file is compressed, or it is moved', async () => {
    put('a.csv', `${file(0, 3)}3,text`)
    put('b.csv.gz', gzipSync(`${file(0, 3)}3,text`))
    expect(numbers(await run('a.csv'))).toEqual([0, 1, 2, 3])
    expect(numbers(await run('b.csv.gz', fresh(), going))).toEqual([0, 1, 2, 3])
    expect(numbers(await run('a.csv', fresh(), { ...going, afterRead: 'delete' }))).toEqual([0, 1, 2, 3])
  })
})

describe('finished files', () => {
  it('that were recreated with the same beginning stop the run, though they be longer', async () => {
    const changes = ['2500,next', '2500,a longer text', '2500,t']
    for (const change of changes) {
      put('a.csv', file(0, 3000))
      const state = fresh()
      await run('a.csv', state)
      for (const more of ['', lines(3000, 3001)]) {
        put('a.csv', file(0, 3000).replace('2500,text', change) + more)
        await expect(run('a.csv', state)).rejects.toMatchObject({ code: 'input_changed' })
      }
    }
  })

  it('that were copied, touched, or recreated with the same bytes and more are known by what they hold', async () => {
    put('a.csv', file(0, 3000))
    const state = fresh()
    await run('a.csv', state)
    copyFileSync(at('a.csv'), at('b'))
    renameSync(at('b'), at('a.csv'))
    expect((await run('a.csv', state)).rows).toEqual([])
    utimesSync(at('a.csv'), 1, 1)
    expect((await run('a.csv', state)).rows).toEqual([])
    put('a.csv', file(0, 3002))
    expect(numbers(await run('a.csv', state))).toEqual([3000, 3001])
  })

  it('go on in the middle where a copy of them was put back', async () => {
    for (const name of ['a.csv', 'a.csv.gz']) {
      const bytes = name.endsWith('.gz') ? gzipSync(file(0, 3000)) : file(0, 3000)
      put(name, bytes)
      const state = fresh()
      const before = await run(name, state, { stop: 1 })
      rmSync(at(name))
      put(name, bytes)
      expect([...numbers(before), ...numbers(await run(name, state))]).toEqual(upTo(3000))
    }
  })
})

describe('a file, while it is read,', () => {
  const parquet = async (rows: number) => {
    const writer = (await fileWriteFormats.prepare({ type: 'parquet', row_group: 1000 }, schema))()
    writer.write(upTo(rows).map((a) => ({ a, b: 'text' })))
    return Buffer.from(writer.finish())
  }
  const json = (rows: number, b = 'text') => JSON.stringify(upTo(rows).map((a) => ({ a, b: a < 1000 ? 'text' : b })))
  const jsonl = (rows: number, b = 'text') =>
    upTo(rows)
      .map((a) => `${JSON.stringify({ a, b: a < 1000 ? 'text' : b })}\n`)
      .join('')
  const kinds = [
    ['csv', 'a.csv', () => file(0, 30_000), () => file(0, 30_100).replace('1500,text', '1500,next')],
    ['csv', 'a.csv.gz', () => gzipSync(file(0, 30_000)), () => gzipSync(file(0, 40_000))],
    ['jsonl', 'a.jsonl', () => jsonl(30_000), () => jsonl(30_000, 'next')],
    ['json', 'a.json', () => json(30_000), () => json(30_000, 'next')],
    ['parquet', 'a.parquet', () => parquet(30_000), () => parquet(30_000)],
  ] as const

  it('that is replaced is read as it was, and the run stops before its end is told', async () => {
    for (const [type, name, before, after] of kinds) {
      put(name, await before())
      const next = await after()
      const seen: unknown[] = []
      const reading = run(name, fresh(), {
        format: { type },
        onBatch({ rows, end }, n) {
          seen.push(...rows.map((row) => row['a']), ...(end ? ['end'] : []))
          if (n !== 2) return
          put('next', next)
          renameSync(at('next'), at(name))
        },
      })
      await expect(reading, name).rejects.toMatchObject({
        code: 'input_changed',
        message: `${name} has been replaced since the run began to read it`,
      })
      expect(seen, name).toEqual(upTo(30_000))
      rmSync(at(name))
    }
  })

  it('that is written again in place, or cut off, stops the run', async () => {
    for (const [type, name, before, after] of kinds) {
      const next = await after()
      for (const change of [() => writeFileSync(at(name), next), () => truncateSync(at(name), 2000)]) {
        put(name, await before())
        const seen: unknown[] = []
        const reading = run(name, fresh(), {
          format: { type },
          onBatch({ end }, n) {
            if (end) seen.push('end')
            if (n === 2) change()
          },
        })
        await expect(reading, name).rejects.toMatchObject({
          code: expect.stringMatching(/input_changed|broken/),
        })
        expect(seen).toEqual([])
      }
      rmSync(at(name))
    }
  })

  it('that is written again within one step of the clock stops the run as well', async () => {
    const changedNs = BigInt(Date.now()) * 1_000_000n
    const still = async <T extends FileState | undefined>(state: Promise<T>) => ({ ...(await state), changedNs }) as T
    const disk: Disk = {
      ...nodeDisk,
      state: (path) => still(nodeDisk.state(path)),
      async open(path) {
        const reader = await nodeDisk.open(path)
        return { ...reader, state: () => still(reader.state()) }
      },
    }
    put('a.csv', file(0, 3))
    const onBatch = (_: unknown, n: number) => void (n === 1 && put('a.csv', file(0, 3).replace('2,text', '2,next')))
    vi.useFakeTimers({ now: Number(changedNs / 1_000_000n) + 1, toFake: ['Date'] })
    try {
      await expect(run('a.csv', fresh(), { disk, onBatch })).rejects.toMatchObject({ code: 'input_changed' })
    } finally {
      vi.useRealTimers()
    }
  })

  it('may grow, be touched or lose its name', async () => {
    const changes: [() => void, rest: number][] = [
      [() => appendFileSync(at('a.csv'), lines(30_000, 30_010)), 30_010],
      [() => utimesSync(at('a.csv'), 1, 1), 30_000],
      [() => renameSync(at('a.csv'), at('gone')), 30_000],
    ]
    for (const [change, rows] of changes) {
      put('a.csv', file(0, 30_000))
      const state = fresh()
      const seen = await run('a.csv', state, { onBatch: (_, n) => void (n === 2 && change()) })
      expect(numbers(seen)).toEqual(upTo(rows))
      expect(seen.batches.at(-1)).toMatchObject({ end: true })
      if (rows > 30_000) expect(numbers(await run('a.csv', state))).toEqual([])
    }
  })

  it('that grows after its end was read is gone on with by the next run', async () => {
    put('a.csv', file(0, 3000))
    const state = fresh()
    await run('a.csv', state, { onBatch: ({ end }) => end && appendFileSync(at('a.csv'), lines(3000, 3001)) })
    expect(numbers(await run('a.csv', state))).toEqual([3000])
  })
})

describe('files that are wanted first', () => {
  it('are read first, and one is held in its middle while it is not', async () => {
    for (const [i, name] of ['a.csv', 'b.csv', 'c.csv'].entries()) put(name, file(i * 3000, i * 3000 + 3000))
    // As after a restart that has to take b before a, though a was found later and sorts before it.
    let left = ['b.csv', 'a.csv', 'c.csv']
    const order: string[] = []
    const seen = await run('.', fresh(), {
      wants: (split) => split.startsWith(left[0]!),
      onBatch({ split, end }) {
        order.push(split.replace(/#.*/, ''))
        if (end) left = left.slice(1)
      },
    })
    expect([...new Set(order)]).toEqual(['b.csv', 'a.csv', 'c.csv'])
    expect(order).toEqual(order.toSorted((a, b) => 'bac'.indexOf(a[0]!) - 'bac'.indexOf(b[0]!)))
    expect(numbers(seen)).toHaveLength(9000)
  })

  it('are read while another is left in its middle, and that one goes on after them', async () => {
    for (const [i, name] of ['a.csv', 'b.csv', 'c.csv'].entries()) put(name, file(i * 3000, i * 3000 + 3000))
    // As after a restart: a had grown when c was taken already.
    let left = ['a.csv', 'c.csv', 'a.csv', 'b.csv']
    const order: string[] = []
    const seen = await run('.', fresh(), {
      wants: (split) => split.startsWith(left[0]!),
      onBatch({ split, end }) {
        order.push(split[0]!)
        if (end || order.length === 1) left = left.slice(1)
      },
    })
    expect(order.join('').replaceAll(/(.)\1+/g, '$1')).toBe('acab')
    expect(new Set(numbers(seen)).size).toBe(9000)
    expect(numbers(seen)).toHaveLength(9000)
  })
})
