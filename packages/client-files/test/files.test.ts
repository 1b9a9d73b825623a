import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { filesProblems, placesOf } from '../src/options.ts'
import { encodeText } from '../../formats/src/text.ts'
import { env, file, fresh, makeSource, names, numbers, put, root, run } from './files-run.ts'

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

  it('may be linked files', async () => {
    put('real/a.csv', file(0, 2))
    mkdirSync(join(root, 'in'))
    symlinkSync(join(root, 'real/a.csv'), join(root, 'in/link.csv'))
    symlinkSync(join(root, 'gone.csv'), join(root, 'in/dangling.csv'))
    expect(numbers(await run('in'))).toEqual([0, 1])
  })
})

describe('places', () => {
  const locate = async (name: string, position: number, encoding: 'utf-8' | 'utf-16be' | 'utf-16le' = 'utf-8') => {
    const format = { type: 'csv', encoding } as const
    const { splits } = await run(name, fresh(), { format })
    return makeSource(name, { format }).locate!(splits[0]!.splits[0]!.id, position)
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
