import { isBatch } from '@millrace/core'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Batch, Done, Json, ReadContext, Row, SplitsFound } from '@millrace/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCsvReader } from '../src/csv/reader.ts'
import { textUnits } from '../src/files/identity.ts'
import { filesProblems, placesOf } from '../src/files/options.ts'
import { filesSource } from '../src/files/source.ts'
import { encodeText } from '../src/text.ts'
import { live, schemaOf } from './csv-read.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-files-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const put = (name: string, content: string | Uint8Array) => {
  mkdirSync(dirname(join(root, name)), { recursive: true })
  writeFileSync(join(root, name), content)
}
const env = () => ({ root, resolve: (path: string) => resolve(root, path) })
const schema = schemaOf({ a: 'integer', b: 'string' })
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i},text\n`).join('')
const file = (from: number, to: number) => `a,b\n${lines(from, to)}`

/** What is saved between runs. */
interface State {
  positions: Map<string, Json>
  memory: Map<string, Json>
}
const fresh = (): State => ({ positions: new Map(), memory: new Map() })

interface Run {
  rows: Row[]
  splits: SplitsFound[]
  batches: Batch[]
  warnings: string[]
}

/** Runs until the end, or until `stop` batches have come; what came is saved in `state`, as the engine does. */
async function run(
  path: string | string[],
  state = fresh(),
  more: {
    stop?: number
    afterRead?: 'delete' | { move: string }
    instance?: ReadContext['instance']
    commit?: boolean
  } = {},
): Promise<Run> {
  const format = { reader: createCsvReader({}, { schema, unknownFields: 'drop' }), text: textUnits('utf-8'), lines: 2 }
  const source = filesSource(
    {
      paths: [path].flat(),
      endings: ['.csv'],
      formatOf: () => format,
      ...(more.afterRead ? { afterRead: more.afterRead } : {}),
    },
    env(),
  )
  const seen: Run = { rows: [], splits: [], batches: [], warnings: [] }
  const ctx: ReadContext = {
    signal: live,
    resume: (split) => state.positions.get(split),
    recall: (key) => state.memory.get(key),
    recallAll: () => [],
    owns: () => true,
    wants: () => true,
    whenWanted: () => Promise.resolve(),
    instance: more.instance ?? { i: 0, n: 1 },
    warn: (message) => seen.warnings.push(message),
  }
  const done: Done[] = []
  for await (const batch of source.read(ctx)) {
    if ('splits' in batch) seen.splits.push(batch)
    if (!isBatch(batch)) continue
    seen.rows.push(...batch.rows)
    seen.batches.push(batch)
    const position = JSON.parse(JSON.stringify(batch.position)) as Json
    state.positions.set(batch.split, position)
    for (const [key, value] of batch.remember ?? [])
      value === null ? state.memory.delete(key) : state.memory.set(key, value)
    done.push({ split: batch.split, position })
    if (seen.batches.length === more.stop) break
  }
  if (more.commit !== false) await source.commit?.(done, { signal: live })
  return seen
}
const numbers = ({ rows }: Run) => rows.map((row) => row['a'])
const names = ({ splits }: Run) =>
  splits.flatMap((found) => found.splits.map(({ id }) => id.replace(/#[0-9a-f]{12}$/, '')))

describe('inputs', () => {
  it('are a file, a list in its order, a pattern or a folder by name; each file once', async () => {
    for (const [name, n] of [
      ['in/b.csv', 2],
      ['in/a.csv', 1],
      ['in/deep/c.csv', 3],
      ['in/.hidden.csv', 9],
      ['in/_tmp/x.csv', 9],
      ['in/notes.txt', 9],
      ['other.csv', 4],
    ] as const)
      put(name, file(n, n + 1))
    expect(numbers(await run('other.csv'))).toEqual([4])
    expect(numbers(await run(['other.csv', 'in/*.csv', 'in/a.csv']))).toEqual([4, 1, 2])
    expect(numbers(await run('in'))).toEqual([1, 2, 3])
    expect(numbers(await run('in/**/c*.csv'))).toEqual([3])
    expect(names(await run('in'))).toEqual(['in/a.csv', 'in/b.csv', 'in/deep/c.csv'])
    put('in/[1].csv', file(7, 8))
    expect(numbers(await run('in/[1].csv'))).toEqual([7])
  })

  it('are announced with their sizes, all at once', async () => {
    put('a.csv', file(0, 3))
    put('b.csv.gz', gzipSync(file(3, 5)))
    const { splits, rows } = await run(['a.csv', 'b.csv.gz'])
    expect(splits).toMatchObject([{ complete: true, splits: [{ bytes: file(0, 3).length }, {}] }])
    expect(splits[0]!.splits[1]).not.toHaveProperty('bytes')
    expect(rows).toHaveLength(5)
  })

  it('end each split, also one without records', async () => {
    put('a.csv', file(0, 3))
    put('b.csv', '')
    put('c.csv', 'a,b\n')
    const { batches } = await run('.')
    expect(batches.filter((batch) => batch.end).map(({ split }) => split.split('#')[0])).toEqual([
      'a.csv',
      'b.csv',
      'c.csv',
    ])
  })

  it('say what to do where they are missing or closed', async () => {
    await expect(run('no.csv')).rejects.toMatchObject({
      code: 'input_missing',
      exitCode: 3,
      message: expect.stringContaining('no.csv'),
    })
    await expect(run('no/*.csv')).rejects.toMatchObject({ code: 'input_missing', exitCode: 3 })
    put('in/data.dat', file(0, 1))
    await expect(run('in')).rejects.toMatchObject({ code: 'input_missing', hint: expect.stringContaining('in/*') })
    put('secret.csv', file(0, 1))
    chmodSync(join(root, 'secret.csv'), 0)
    if (process.getuid?.() !== 0)
      await expect(run('secret.csv')).rejects.toMatchObject({
        code: 'input_unreadable',
        exitCode: 3,
        hint: expect.stringContaining('chmod'),
      })
    mkdirSync(join(root, 'empty'))
    expect(await run('empty')).toMatchObject({ rows: [], splits: [{ splits: [], complete: true }] })
  })

  it('name the file in failures of its format', async () => {
    put('a.csv', 'x,y\n1,2\n')
    await expect(run('a.csv')).rejects.toMatchObject({ code: 'missing_column', place: 'a.csv' })
    put('b.csv.gz', 'a,b\n')
    await expect(run('b.csv.gz')).rejects.toMatchObject({
      code: 'broken_compression',
      message: expect.stringContaining('b.csv.gz'),
    })
  })

  it('are told apart by their first record, wherever it begins', async () => {
    const splitOf = async (text: string | Uint8Array) => {
      put('a.csv', text)
      return (await run('a.csv')).splits[0]!.splits[0]!.id
    }
    const ids = await Promise.all(
      ['\n\na,b\n1,x\n', '\n\na,b\n2,x\n', 'a,b\r\n1,x\r\n', 'a,b\r\n2,x\r\n', 'a,b\r1,x\r', 'a,b\r2,x'].map(
        (text, i) => (put(`${i}.csv`, text), run(`${i}.csv`)),
      ),
    )
    expect(new Set(ids.map(({ splits }) => splits[0]!.splits[0]!.id.split('#')[1])).size).toBe(6)
    const id = await splitOf(file(0, 1))
    expect(await splitOf(file(0, 5000))).toBe(id)
    expect(await splitOf(file(1, 5000))).not.toBe(id)
  })

  it('outside the project go by their file name, and two of one name that begin alike are refused', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'millrace-outside-'))
    try {
      for (const folder of ['x', 'y']) {
        mkdirSync(join(outside, folder))
        writeFileSync(join(outside, folder, 'a.csv'), file(0, 1))
      }
      expect(names(await run(join(outside, 'x', 'a.csv')))).toEqual(['a.csv'])
      await expect(run([join(outside, 'x', 'a.csv'), join(outside, 'y', 'a.csv')])).rejects.toMatchObject({
        code: 'same_input',
      })
    } finally {
      rmSync(outside, { recursive: true })
    }
  })

  it('are shared by instances without overlap', async () => {
    for (let n = 0; n < 8; n++) put(`in/${n}.csv`, file(n, n + 1))
    const shares = await Promise.all([0, 1, 2].map((i) => run('in', fresh(), { instance: { i, n: 3 } })))
    expect(shares.flatMap(numbers).toSorted((a, b) => Number(a) - Number(b))).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(shares.filter((share) => share.rows.length).length).toBeGreaterThan(1)
  })

  it('may be linked files', async () => {
    put('real/a.csv', file(0, 2))
    mkdirSync(join(root, 'in'))
    symlinkSync(join(root, 'real/a.csv'), join(root, 'in/link.csv'))
    symlinkSync(join(root, 'gone.csv'), join(root, 'in/dangling.csv'))
    expect(numbers(await run('in'))).toEqual([0, 1])
  })
})

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
      [() => put('a.csv', file(1, 3000)), /begins differently/],
      [() => put('a.csv', `a,b\n0,text\n1,TEXT\n${lines(2, 3000)}`), /begins differently/],
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

describe('files after reading', () => {
  it('are deleted or moved once they are saved, and only then', async () => {
    put('in/a.csv', file(0, 3))
    put('in/b.csv', file(3, 6))
    const state = fresh()
    await run('in', state, { stop: 1, afterRead: 'delete' })
    expect(readdirSync(join(root, 'in'))).toEqual(['a.csv', 'b.csv'])
    expect(numbers(await run('in', state, { afterRead: 'delete' }))).toEqual([3, 4, 5])
    expect(readdirSync(join(root, 'in'))).toEqual([])
    expect(numbers(await run('in', state, { afterRead: 'delete' }))).toEqual([])
    put('in/deep/c.csv', file(6, 7))
    await run('in', state, { afterRead: { move: join(root, 'done') } })
    expect(readFileSync(join(root, 'done/in/deep/c.csv'), 'utf8')).toBe(file(6, 7))
    put('in/deep/c.csv', file(6, 8))
    await run('in', fresh(), { afterRead: { move: join(root, 'done') } })
    expect(readdirSync(join(root, 'done/in/deep')).toSorted()).toEqual([
      expect.stringMatching(/^c\.[0-9a-f]{12}\.csv$/),
      'c.csv',
    ])
  })

  it('are dealt with at the next start where the process died before', async () => {
    put('a.csv', file(0, 3))
    const state = fresh()
    await run('a.csv', state, { afterRead: 'delete', commit: false })
    expect(existsSync(join(root, 'a.csv'))).toBe(true)
    expect(numbers(await run('a.csv', state, { afterRead: 'delete' }))).toEqual([])
    expect(existsSync(join(root, 'a.csv'))).toBe(false)
    expect(numbers(await run('a.csv', state, { afterRead: 'delete' }))).toEqual([])
  })

  it('stay where something else stands under their name by then', async () => {
    put('a.csv', file(0, 3))
    const format = {
      reader: createCsvReader({}, { schema, unknownFields: 'drop' }),
      text: textUnits('utf-8'),
      lines: 2,
    }
    const source = filesSource(
      { paths: ['a.csv'], endings: ['.csv'], formatOf: () => format, afterRead: 'delete' },
      env(),
    )
    const done: Done[] = []
    for await (const batch of source.read({
      signal: live,
      resume: () => undefined,
      recall: () => undefined,
      recallAll: () => [],
      owns: () => true,
      wants: () => true,
      whenWanted: () => Promise.resolve(),
      instance: { i: 0, n: 1 },
      warn: () => {},
    }))
      if (isBatch(batch)) done.push({ split: batch.split, position: batch.position! })
    for (const content of [file(5, 8), file(0, 4)]) {
      put('a.csv', content)
      await source.commit!(done, { signal: live })
      expect(readFileSync(join(root, 'a.csv'), 'utf8')).toBe(content)
    }
    put('a.csv', file(0, 3))
    await source.commit!(done, { signal: live })
    expect(existsSync(join(root, 'a.csv'))).toBe(false)
  })
})

describe('places', () => {
  const locate = async (name: string, position: number, encoding: 'utf-8' | 'utf-16be' | 'utf-16le' = 'utf-8') => {
    const format = {
      reader: createCsvReader({ encoding }, { schema, unknownFields: 'drop' }),
      text: textUnits(encoding),
      lines: 2,
    }
    const source = filesSource({ paths: [name], endings: ['.csv'], formatOf: () => format }, env())
    const splits: string[] = []
    for await (const batch of source.read({
      signal: live,
      resume: () => undefined,
      recall: () => undefined,
      recallAll: () => [],
      owns: () => true,
      wants: () => true,
      whenWanted: () => Promise.resolve(),
      instance: { i: 0, n: 1 },
      warn: () => {},
    }))
      if ('splits' in batch) splits.push(...batch.splits.map(({ id }) => id))
    return source.locate!(splits[0]!, position)
  }

  it('are told by file, line and byte', async () => {
    const text = 'a,b\r\n1,"x\ny"\r2,ਊ\n3,z\n'
    put('data/a.csv', text)
    const at = (part: string) => Buffer.from(text.slice(0, text.indexOf(part))).length
    expect(await locate('data/a.csv', 0)).toBe('data/a.csv:1 (byte 0)')
    expect(await locate('data/a.csv', at('1,'))).toBe('data/a.csv:2 (byte 5)')
    expect(await locate('data/a.csv', at('2,'))).toBe(`data/a.csv:4 (byte ${at('2,')})`)
    expect(await locate('data/a.csv', at('3,'))).toBe(`data/a.csv:5 (byte ${at('3,')})`)
    for (const encoding of ['utf-16be', 'utf-16le'] as const) {
      put('data/b.csv', encodeText(text, encoding)!)
      expect(await locate('data/b.csv', 2 * text.indexOf('3,'), encoding)).toBe(
        `data/b.csv:5 (byte ${2 * text.indexOf('3,')})`,
      )
    }
    put('data/c.csv.gz', gzipSync(text))
    expect(await locate('data/c.csv.gz', at('3,'))).toBe(`data/c.csv.gz:5 (byte ${at('3,')})`)
  })
})

describe('the options of files', () => {
  it('are refused where they contradict', () => {
    expect(filesProblems({ path: 'in', after_read: { move: 'done' } }, env())).toEqual([])
    expect(filesProblems({ path: 'in', after_read: { move: 'in/_done' } }, env())).toEqual([])
    expect(filesProblems({ path: 'in', after_read: { move: 'in/done' } }, env())).toMatchObject([
      { at: ['after_read', 'move'] },
    ])
    expect(filesProblems({ path: ['-', 'a.csv'], after_read: 'keep' }, env())).toMatchObject([{ at: ['path'] }])
    expect(filesProblems({ path: '-', after_read: 'delete' }, env())).toMatchObject([{ at: ['after_read'] }])
  })

  it('tell which places are read', () => {
    expect(placesOf(['out', 'out/', 'out/*.csv', 'out/a.csv', '*.csv', '-'], env())).toEqual([
      `files:${root}/out`,
      `files:${root}/out`,
      `files:${root}/out`,
      `files:${root}/out/a.csv`,
      `files:${root}`,
    ])
  })
})
