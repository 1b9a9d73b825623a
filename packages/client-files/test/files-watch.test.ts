/** Files that are watched: what comes later is read once, whatever is stopped in between. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeDisk } from '../src/disk.ts'
import { file, fresh, lines, put, root, type State } from './files-run.ts'
import { append, countingDisk, watching } from './watch-run.ts'

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)
const copied = (state: State): State => ({ positions: new Map(state.positions), memory: new Map(state.memory) })

describe('a watched folder', () => {
  it('is read as files and lines come, and each look reports that there is nothing more', async () => {
    put('in/b.csv', file(0, 3))
    const seen = watching('in')
    await seen.has(3)
    append('in/b.csv', lines(3, 5))
    await seen.has(5)
    put('in/deep/a.csv', file(5, 6))
    await seen.has(6)
    put('in/c.csv', file(6, 2000))
    await seen.has(2000)
    append('in/deep/a.csv', lines(2000, 2001))
    append('in/b.csv', lines(2001, 2002))
    await seen.has(2002)
    await seen.looksAgain()
    await seen.stop()
    expect(seen.numbers.toSorted((a, b) => Number(a) - Number(b))).toEqual(upTo(2002))
    expect(seen.batches.some(({ end }) => end)).toBe(false)
    expect(seen.warnings).toEqual([])
  })

  it('reports twice at once after the start, and a stop ends the longest pause', async () => {
    put('in/a.csv', file(0, 3))
    const seen = watching('in', fresh(), { watchMs: 10 * 365 * 24 * 3600 * 1000 })
    await seen.has(3)
    while (seen.looks < 2) await new Promise(setImmediate)
    append('in/a.csv', lines(3, 4))
    await seen.stop()
    expect([seen.looks, seen.numbers]).toEqual([2, [0, 1, 2]])
  })

  it('may be missing or empty, or hold nothing but files under way', async () => {
    const seen = watching(['in', 'more/*.csv', 'single.csv'])
    await seen.looksAgain()
    expect(seen.warnings).toEqual(
      ['in', 'single.csv'].map((name) => `${name} does not exist yet: it is read as soon as it does`),
    )
    put('in/a.csv.part', file(0, 3))
    put('more/readme.md', '')
    await seen.looksAgain()
    renameSync(join(root, 'in/a.csv.part'), join(root, 'in/a.csv'))
    await seen.has(3)
    put('single.csv', file(3, 4))
    await seen.has(4)
    put('more/b.csv', file(4, 5))
    await seen.has(5)
    rmSync(join(root, 'in'), { recursive: true })
    await seen.looksAgain()
    expect(seen.numbers).toEqual(upTo(5))
  })

  it('goes on after a stop at any batch, and doubles and loses nothing', async () => {
    const whole = fresh()
    const states: State[] = []
    put('in/a.csv', file(0, 2500))
    const first = watching('in', whole, { onBatch: () => void states.push(copied(whole)) })
    await first.has(2500)
    append('in/a.csv', `${lines(2500, 2600)}2600,te`)
    put('in/b.csv', file(3000, 3001))
    await first.has(2601)
    await first.stop()
    append('in/a.csv', `xt\n${lines(2601, 3000)}`)
    for (const [k, state] of [fresh(), ...states].entries()) {
      const before = first.batches.slice(0, k).flatMap(({ rows }) => rows.map((row) => row['a']))
      const rest = watching('in', state)
      await rest.has(3001 - before.length)
      await rest.looksAgain()
      await rest.stop()
      expect(
        [...before, ...rest.numbers].toSorted((a, b) => Number(a) - Number(b)),
        `after ${k}`,
      ).toEqual(upTo(3001))
    }
  })

  it('does not open what looks unchanged, at a look or at a restart', async () => {
    for (let n = 0; n < 250; n++) put(`in/${n}.csv`, file(n, n + 1))
    put('in/half.csv', `${file(250, 252)}252,te`)
    const state = fresh()
    const disk = countingDisk()
    const first = watching('in', state, { disk })
    await first.has(252)
    await first.looksAgain()
    await first.stop()
    expect(disk.opens.size).toBe(251)
    expect([...disk.opens.values()].filter((n) => n !== 1)).toEqual([])
    const again = countingDisk()
    const second = watching('in', state, { disk: again })
    await second.looksAgain()
    expect([again.opens.size, second.batches.length]).toEqual([0, 0])
    expect(again.inspected).toBeGreaterThan(3 * 251)
    append('in/half.csv', 'xt\n')
    append('in/7.csv', lines(253, 254))
    await second.has(2)
    await second.looksAgain()
    expect(again.opens).toEqual(
      new Map([
        ['in/half.csv', 1],
        ['in/7.csv', 1],
      ]),
    )
    expect(second.numbers).toEqual([253, 252])
  })

  it('is read once though the reader saves nothing, as in a preview', async () => {
    const forgetful = () => Object.assign(new Map(), { get: () => undefined })
    put('in/a.csv', file(0, 3))
    const seen = watching('in', { positions: forgetful(), memory: forgetful() })
    await seen.has(3)
    append('in/a.csv', lines(3, 5))
    await seen.has(5)
    await seen.looksAgain()
    expect(seen.numbers).toEqual(upTo(5))
  })

  it('cannot contain a pipe', async () => {
    mkdirSync(join(root, 'in'))
    execFileSync('mkfifo', [join(root, 'in/a.csv')])
    await expect(watching('in').ended).rejects.toMatchObject({
      code: 'input_unreadable',
      message: 'in/a.csv can be read only once, so it cannot be watched',
    })
  })

  it('looks further while its files are held back', async () => {
    put('in/b.csv', file(0, 3))
    let wanted = 'in/a.csv'
    const seen = watching('in', fresh(), { wants: (split) => split.startsWith(wanted) })
    put('in/a.csv', file(3, 6))
    const left = () => seen.numbers.length
    while (left() < 3) await new Promise(setImmediate)
    expect([seen.numbers, seen.looks]).toEqual([[3, 4, 5], 0])
    wanted = 'in/'
    await seen.has(6)
    expect(seen.numbers).toEqual([3, 4, 5, 0, 1, 2])
  })
})

describe('the last line of a watched file', () => {
  it('waits until it is complete, quotes included, and a warning says so once', async () => {
    put('a.csv', 'a,')
    const state = fresh()
    const seen = watching('a.csv', state)
    for (const more of ['b', '\n', '1', ',x\n2,"y\n', '3,z"', '\r']) {
      append('a.csv', more)
      await seen.looksAgain()
    }
    expect(seen.numbers).toEqual([1])
    append('a.csv', '\n3,z\n4')
    await seen.has(3)
    await seen.stop()
    const second = watching('a.csv', state)
    await second.looksAgain()
    await second.looksAgain()
    expect(second.warnings).toEqual([
      'a.csv does not end with a line break: the rest after byte 23 waits until it is a complete record',
    ])
    append('a.csv', ',z\n')
    await second.has(1)
    const rows = [...seen.batches, ...second.batches].flatMap((batch) => batch.rows)
    expect(rows).toEqual([
      { a: 1, b: 'x' },
      { a: 2, b: 'y\n3,z' },
      { a: 3, b: 'z' },
      { a: 4, b: 'z' },
    ])
  })

  it('waits though it is completed right after the file was opened', async () => {
    put('a.csv', 'a,b\n0,te')
    let reads = 0
    const disk = {
      ...nodeDisk,
      async open(path: string) {
        const reader = await nodeDisk.open(path)
        return {
          ...reader,
          async read(into: Uint8Array, position: number) {
            const n = await reader.read(into, position)
            if (reads++ === 0) append('a.csv', `xt\n${lines(1, 3)}`)
            return n
          },
        }
      },
    }
    const seen = watching('a.csv', fresh(), { disk })
    await seen.has(3)
    expect(seen.numbers).toEqual(upTo(3))
  })

  it('waits in JSON lines too', async () => {
    put('a.jsonl', '{"a":0,"b":"x"}\n{"a":1,')
    const seen = watching('a.jsonl', fresh(), { format: { type: 'jsonl' } })
    await seen.has(1)
    append('a.jsonl', '"b":"y"}')
    await seen.looksAgain()
    append('a.jsonl', '\n')
    await seen.has(2)
    expect(seen.batches.some(({ bad }) => bad)).toBe(false)
  })
})

describe('a watched file that is not what it was', () => {
  const changes: [how: string, change: () => void, message: RegExp][] = [
    [
      'is changed in what was read',
      () => put('a.csv', file(0, 3000).replace('2500,text', '2500,next') + lines(3000, 3001)),
      /changed/,
    ],
    [
      'is replaced by one with the same beginning',
      () => {
        put('b', file(0, 2).concat('9,longer text\n'.repeat(3000)))
        renameSync(join(root, 'b'), join(root, 'a.csv'))
      },
      /changed/,
    ],
    ['is cut off', () => truncateSync(join(root, 'a.csv'), 5000), /become shorter/],
  ]
  it.each(changes)('that %s stops the run, at a look and at a restart', async (_, change, message) => {
    put('a.csv', file(0, 3000))
    const state = fresh()
    const seen = watching('a.csv', state)
    await seen.has(3000)
    change()
    const failure = { code: 'input_changed', message: expect.stringMatching(message) }
    await expect(seen.ended).rejects.toMatchObject(failure)
    await expect(watching('a.csv', state).ended).rejects.toMatchObject(failure)
    expect(seen.numbers).toEqual(upTo(3000))
  })

  it('and begins differently is a new one, and so is one that is emptied and written again', async () => {
    put('a.csv', file(0, 3))
    const seen = watching('a.csv')
    await seen.has(3)
    put('b', file(3, 6))
    renameSync(join(root, 'b'), join(root, 'a.csv'))
    await seen.has(6)
    truncateSync(join(root, 'a.csv'), 0)
    await seen.looksAgain()
    append('a.csv', file(6, 8))
    await seen.has(8)
    expect(seen.numbers).toEqual(upTo(8))
    expect(new Set(seen.batches.map(({ split }) => split)).size).toBeGreaterThanOrEqual(3)
  })

  it('but was copied or touched is the same', async () => {
    put('a.csv', file(0, 3))
    const seen = watching('a.csv')
    await seen.has(3)
    copyFileSync(join(root, 'a.csv'), join(root, 'b'))
    renameSync(join(root, 'b'), join(root, 'a.csv'))
    await seen.looksAgain()
    append('a.csv', lines(3, 4))
    await seen.has(4)
    expect(seen.numbers).toEqual(upTo(4))
  })
})
