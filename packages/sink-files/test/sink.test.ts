import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PartialWriteError, RecordType, Row } from '@millrace/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { nodeDisk } from '@millrace/client-files'
import { sinkFiles } from '../src/index.ts'
import { createFilesSink } from '../src/sink.ts'
import { envAt, finish, flush, makeSink, opening, optionsOf, publish, runAll, write } from './drive.ts'
import { allFiles, everyRow, everyType, field, integer, rowsOf, string, visibleFiles, visibleRows } from './read.ts'

const schema: RecordType = { fields: { id: integer(), city: string(true) } }
const row = (id: number, city: string | null = 'a'): Row => ({ id, city })
const rows = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, i) => row(from + i))

let root: string
const out = () => join(root, 'out')
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-files-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

describe('names', () => {
  test('in a folder they tell pipeline, incarnation, sink and number', async () => {
    const sink = makeSink(root, schema, {})
    await sink.open!(opening({ incarnation: 12 }))
    await write(sink, rows(0, 2))
    await publish(sink, await flush(sink, { roll: true }))
    await write(sink, rows(2, 3))
    await finish(sink)
    expect(await visibleFiles(out())).toEqual(['trips-000012-lake-00001.jsonl', 'trips-000012-lake-00002.jsonl'])
    expect(await allFiles(out())).toEqual([
      expect.stringMatching(/^\.trips\.lake\.[0-9a-f]{8}\/published-000000002-test$/),
      ...(await visibleFiles(out())),
    ])
  })

  test('instances of one pipeline have names of their own', async () => {
    for (const i of [0, 1]) await runAll(root, schema, {}, [row(i)], { instance: { i, n: 2 } })
    expect(await visibleFiles(out())).toEqual([
      'trips.0-2-000001-lake-00001.jsonl',
      'trips.1-2-000001-lake-00001.jsonl',
    ])
    for (const i of [0, 1]) await runAll(root, schema, { path: 'one/x.jsonl' }, [row(i)], { instance: { i, n: 2 } })
    expect(await visibleFiles(join(root, 'one'))).toEqual(['x.0-2.jsonl', 'x.1-2.jsonl'])
  })

  test('a file that the path names has that name, and is seen at the end', async () => {
    const sink = makeSink(root, schema, { path: 'out/lines.jsonl' })
    await sink.open!(opening())
    await write(sink, rows(0, 2))
    await publish(sink, await flush(sink))
    await write(sink, rows(2, 4))
    // The roll of another sink, or a stop.
    await publish(sink, await flush(sink, { roll: true }))
    expect(await visibleFiles(out())).toEqual([])
    await write(sink, rows(4, 5))
    await finish(sink)
    expect(await visibleFiles(out())).toEqual(['lines.jsonl'])
    expect(await readFile(join(out(), 'lines.jsonl'), 'utf8')).toBe(
      rows(0, 5)
        .map((r) => `${JSON.stringify(r)}\n`)
        .join(''),
    )
  })

  test('where that file cannot stay open, or the run has no end, further files are numbered', async () => {
    const held = makeSink(root, schema, { path: 'out/all.json' })
    const endless = makeSink(root, schema, { path: 'out/lines.jsonl' })
    for (const sink of [held, endless]) {
      await sink.open!(opening({ whole: false }))
      for (const id of [1, 2, 3]) {
        await write(sink, [row(id)])
        await publish(sink, await flush(sink, { roll: true }))
      }
      await sink.close!()
    }
    expect(await visibleFiles(out())).toEqual([
      'all-00002.json',
      'all-00003.json',
      'all.json',
      'lines-00002.jsonl',
      'lines-00003.jsonl',
      'lines.jsonl',
    ])
  })

  test('without records there is an empty file where the path names it, and none in a folder', async () => {
    await runAll(root, schema, { path: 'out/a/all.csv' }, [])
    await runAll(root, schema, { path: 'out/b/' }, [])
    expect(await visibleFiles(out())).toEqual(['a/all.csv'])
    expect(await readFile(join(out(), 'a/all.csv'), 'utf8')).toBe('id,city\n')
  })
})

describe('places by field', () => {
  test('records go to the folder or file of their values, which never lead elsewhere', async () => {
    const cities = ['Köln', null, '../..', '', 'a/b', '.']
    await runAll(
      root,
      schema,
      { path: 'out/in-{city}/' },
      cities.map((city, id) => row(id, city)),
    )
    const files = await visibleFiles(out())
    expect(files.map((file) => file.split('/')[0]!).toSorted()).toEqual(
      ['in-%2E', 'in-%2E.%2F.%2E', 'in-Köln', 'in-__empty__', 'in-__null__', 'in-a%2Fb'].toSorted(),
    )
    expect(await visibleRows(out(), schema)).toHaveLength(6)
    await runAll(
      root,
      schema,
      { path: 'by/{city}.csv' },
      cities.map((city, id) => row(id, city)),
    )
    expect(await visibleFiles(join(root, 'by'))).toContain('__null__.csv')
    expect(await rowsOf(join(root, 'by', 'Köln.csv'), schema)).toEqual([row(0, 'Köln')])
  })

  test('a folder that is a link out of the path is refused', async () => {
    await mkdir(join(root, 'elsewhere'))
    await mkdir(out())
    await symlink(join(root, 'elsewhere'), join(out(), 'Köln'))
    await expect(runAll(root, schema, { path: 'out/{city}/' }, [row(1, 'Köln')])).rejects.toMatchObject({
      code: 'path_outside',
    })
    expect(await allFiles(join(root, 'elsewhere'))).toEqual([])
  })

  test('in a folder, a file is finished early where too many are open; where files are named, that is an error', async () => {
    const spread = Array.from({ length: 30 }, (_, id) => row(id, `c${id % 5}`))
    await runAll(root, schema, { path: 'out/{city}/', max_open_files: 2 }, spread.slice(0, 15))
    const sink = makeSink(root, schema, { path: 'many/{city}/', max_open_files: 2 })
    await sink.open!(opening())
    for (const one of spread) await write(sink, [one])
    await finish(sink)
    expect(
      (await visibleRows(join(root, 'many'), schema)).map((r) => r['id'] as number).toSorted((a, b) => a - b),
    ).toEqual(spread.map((r) => r['id']))
    expect((await visibleFiles(join(root, 'many'))).length).toBe(30)
    await expect(runAll(root, schema, { path: 'by/{city}.csv', max_open_files: 2 }, spread)).rejects.toMatchObject({
      code: 'too_many_files',
      hint: expect.stringContaining('max_open_files'),
    })
  })
})

describe('rolling', () => {
  test('by default a folder is rolled and a named file is not', async () => {
    let now = 0
    const folder = makeSink(root, schema, {}, undefined, () => now)
    const file = makeSink(root, schema, { path: 'out/x.jsonl' }, undefined, () => now)
    for (const sink of [folder, file]) {
      await sink.open!(opening())
      await write(sink, [row(1)])
    }
    now = 60_000
    expect([folder.full!(), file.full!()]).toEqual([true, false])
    for (const sink of [folder, file]) await sink.close!()
  })
})

describe('an earlier run', () => {
  test('is not touched until the first file of a run that replaces it is shown', async () => {
    const replace = { existing: 'replace' } as const
    await runAll(root, schema, { path: 'out/{city}/' }, [row(1, 'a'), row(2, 'b')])
    await writeFile(join(out(), 'foreign.jsonl'), '{"id":9,"city":"not ours"}\n')
    const before = await visibleFiles(out())
    const sink = makeSink(root, schema, { path: 'out/{city}/' })
    await sink.open!(opening({ incarnation: 2, ...replace }))
    await write(sink, [row(3, 'c')])
    const staged = await flush(sink, { roll: true })
    expect(await visibleFiles(out())).toEqual(before)
    await publish(sink, staged)
    await publish(sink, staged)
    await write(sink, [row(4, 'c')])
    await finish(sink)
    expect(await visibleFiles(out())).toEqual([
      'c/trips-000002-lake-00001.jsonl',
      'c/trips-000002-lake-00002.jsonl',
      'foreign.jsonl',
    ])
    // Nor is anything left when the new run has no records.
    await runAll(root, schema, { path: 'out/{city}/' }, [], { incarnation: 3, ...replace })
    expect(await visibleFiles(out())).toEqual(['foreign.jsonl'])
  })

  test('a named file is replaced in one step', async () => {
    const options = { path: 'out/x.jsonl', existing: 'replace' }
    await runAll(root, schema, options, rows(0, 3))
    await writeFile(join(out(), 'x-00002.jsonl'), 'rest of an older run')
    const sink = makeSink(root, schema, options)
    await sink.open!(opening({ incarnation: 2 }))
    await write(sink, rows(5, 6))
    const staged = await flush(sink, { end: true })
    expect(await rowsOf(join(out(), 'x.jsonl'), schema)).toEqual(rows(0, 3))
    await publish(sink, staged)
    expect(await visibleFiles(out())).toEqual(['x.jsonl'])
    expect(await rowsOf(join(out(), 'x.jsonl'), schema)).toEqual(rows(5, 6))
    await sink.close!()
  })

  test('is refused by default, in words that say what can be done', async () => {
    for (const path of ['out/', 'one/x.csv', 'by/{city}.csv', 'in/{city}/']) {
      await runAll(root, schema, { path }, rows(0, 2))
      await expect(makeSink(root, schema, { path }).open!(opening({ incarnation: 2 }))).rejects.toMatchObject({
        code: 'output_exists',
        exitCode: 3,
        hint: expect.stringMatching(/--replace.*--keep.*existing/),
      })
    }
  })

  test('is added to with keep, also when the state was reset and the incarnation comes again', async () => {
    for (const path of ['out/', 'one/x.csv']) {
      for (const incarnation of [1, 1, 2])
        await runAll(root, schema, { path, existing: 'keep' }, [row(incarnation)], { incarnation })
      expect(await visibleRows(join(root, path.split('/')[0]!), schema)).toHaveLength(3)
    }
    expect(await visibleFiles(join(root, 'one'))).toEqual(['x-00002.csv', 'x-00003.csv', 'x.csv'])
  })

  test('of another pipeline or sink is not seen as one', async () => {
    await mkdir(out(), { recursive: true })
    for (const name of [
      'trips-000001-other-00001.jsonl',
      'other-000001-lake-00001.jsonl',
      'trips-000001-lake-00001.csv',
      'notes.txt',
    ])
      await writeFile(join(out(), name), 'x')
    await runAll(root, schema, {}, [row(1)])
    expect(await visibleFiles(out())).toHaveLength(5)
  })
})

describe('what is in the way', () => {
  test('a file where a folder is needed, and a folder where the file should be', async () => {
    await writeFile(out(), '')
    await expect(makeSink(root, schema, {}).open!(opening())).rejects.toMatchObject({
      code: 'output_taken',
      exitCode: 3,
    })
    await mkdir(join(root, 'dir', 'x.csv'), { recursive: true })
    await expect(makeSink(root, schema, { path: 'dir/x.csv' }).open!(opening())).rejects.toMatchObject({
      code: 'output_taken',
      exitCode: 3,
    })
  })

  test('a file that someone put under the name meanwhile is not overwritten', async () => {
    const sink = makeSink(root, schema, { path: 'out/x.jsonl' })
    await sink.open!(opening())
    await write(sink, [row(1)])
    const staged = await flush(sink, { end: true })
    await writeFile(join(out(), 'x.jsonl'), 'precious')
    await expect(publish(sink, staged)).rejects.toMatchObject({ code: 'output_taken' })
    expect(await readFile(join(out(), 'x.jsonl'), 'utf8')).toBe('precious')
    await rm(join(out(), 'x.jsonl'))
    await publish(sink, staged)
    expect(await rowsOf(join(out(), 'x.jsonl'), schema)).toEqual([row(1)])
  })

  test('an open file that was saved and is gone or shorter stops the run', async () => {
    const sink = makeSink(root, schema, {})
    await sink.open!(opening())
    await write(sink, rows(0, 5))
    const { resume } = await flush(sink)
    await sink.close!()
    const hidden = join(out(), (await allFiles(out()))[0]!)
    const text = await readFile(hidden)
    const again = makeSink(root, schema, {})
    await writeFile(hidden, text.subarray(0, -1))
    await expect(again.open!(opening({ restore: resume! }))).rejects.toMatchObject({ code: 'stage_missing' })
    await rm(hidden)
    await expect(again.open!(opening({ restore: resume! }))).rejects.toMatchObject({
      code: 'stage_missing',
      message: expect.stringContaining('5 records'),
    })
  })
})

test('leftovers of dead attempts of this sink are removed, those of others are not', async () => {
  const dead = makeSink(root, schema, {})
  await dead.open!(opening())
  await write(dead, [row(1)])
  await flush(dead)
  await write(dead, [row(2)])
  await dead.close!()
  await mkdir(join(out(), '.other.lake.part'))
  await writeFile(join(out(), '.other.lake.part', 'x.part'), '')
  await runAll(root, schema, {}, [row(1)])
  expect(await allFiles(out())).toEqual([
    '.other.lake.part/x.part',
    expect.stringMatching(/published-000000001-test$/),
    'trips-000001-lake-00001.jsonl',
  ])
})

test('the project may move between a stop and the next start', async () => {
  const one = join(root, 'one')
  const sink = makeSink(one, schema, {})
  await sink.open!(opening())
  await write(sink, rows(0, 2))
  await publish(sink, await flush(sink, { roll: true }))
  await write(sink, rows(2, 4))
  const staged = await flush(sink, { roll: true })
  await write(sink, rows(4, 6))
  const { resume } = await flush(sink)
  await sink.close!()
  const two = join(root, 'two')
  await rename(one, two)
  const moved = makeSink(two, schema, {})
  await moved.open!(opening({ restore: resume! }))
  await publish(moved, staged)
  await finish(moved)
  expect(await visibleRows(join(two, 'out'), schema)).toEqual(rows(0, 6))
})

test('what a killed run left under the former name of the sink is removed after the sink was renamed', async () => {
  const sink = makeSink(root, schema, { roll: { records: 2 } })
  await sink.open!(opening())
  await write(sink, rows(0, 3))
  const left = await allFiles(out())
  expect(left).toEqual([
    expect.stringMatching(/^\.trips\.lake\.[0-9a-f]{8}\/000001-/),
    expect.stringMatching(/^\.trips\.lake\.[0-9a-f]{8}\/000001-/),
  ])
  const options = optionsOf({ roll: { records: 2 } })
  const renamed = createFilesSink(options, { ...envAt(root), id: 'pond', schema }, nodeDisk, () => 0)
  await renamed.open!(opening({ formerly: 'lake' }))
  await write(renamed, rows(0, 3))
  await finish(renamed)
  expect((await visibleRows(out(), schema)).length).toBe(3)
  expect((await allFiles(out())).filter((name) => name.includes('lake') || name.endsWith('.part'))).toEqual([])
  await sink.close!()
})

test('rows that the format cannot hold are named by their place in the write, over all partitions', async () => {
  const sink = makeSink(root, everyType, { path: 'out/{flag}/', format: 'csv' })
  await sink.open!(opening())
  const mixed = everyRow(9).map((r, i) => (i === 2 || i === 3 || i === 7 ? { ...r, city: '\ud800' } : r))
  const error = (await write(sink, mixed).catch((e) => e)) as PartialWriteError
  expect(error.name).toBe('PartialWriteError')
  expect(error.failures.map(({ index, kind, code, field }) => [index, kind, code, field])).toEqual(
    [2, 3, 7].map((i) => [i, 'data', 'bad_text', 'city']),
  )
  await finish(sink)
  expect((await visibleRows(out(), everyType)).map((r) => r['id'] as number).toSorted((a, b) => a - b)).toEqual([
    0, 1, 4, 5, 6, 8,
  ])
})

test('a time that is of no year a folder could be named by is refused, its row alone', async () => {
  const timed: RecordType = { fields: { id: integer(), at: field({ kind: 'timestamp' }) } }
  const sink = makeSink(root, timed, { path: 'out/{at:yyyy}/', format: 'parquet' })
  await sink.open!(opening())
  const error = (await write(sink, [
    { id: 1, at: 0 },
    { id: 2, at: 8.64e15 },
    { id: 3, at: 1 },
  ]).catch((e) => e)) as PartialWriteError
  expect(error.failures).toMatchObject([{ index: 1, kind: 'data', code: 'out_of_range' }])
  await finish(sink)
  expect((await visibleRows(out(), timed)).map((r) => r['id'])).toEqual([1, 3])
})

test('large rows are written in chunks, compressed or not', async () => {
  const big = Array.from({ length: 40 }, (_, id) => row(id, String.fromCharCode(97 + (id % 26)).repeat(30_000)))
  for (const path of ['a/x.jsonl', 'b/x.jsonl.gz', 'c/x.json.zst', 'd/x.csv']) {
    await runAll(root, schema, { path }, big)
    expect(await rowsOf(join(root, path), schema)).toEqual(big)
  }
})

test('its definition says what it promises and where it writes', async () => {
  const of = (options: Record<string, unknown>) => sinkFiles.capabilities(optionsOf(options))
  expect(of({})).toMatchObject({ label: 'effectively-once' })
  expect(of({}).checkpointsOnRoll).toBe(false)
  expect([
    of({ format: 'json' }).checkpointsOnRoll,
    of({ path: 'x.csv.gz' }).checkpointsOnRoll,
    of({ compression: 'zstd' }).checkpointsOnRoll,
  ]).toEqual([true, true, true])
  const env = {
    root,
    home: root,
    profile: 'local',
    pipeline: 'p',
    id: 's',
    resolve: (path: string) => join(root, path),
  }
  expect(sinkFiles.writes!(optionsOf({ path: 'out/{city}/' }), env)).toEqual([`files:${out()}`])
  expect(sinkFiles.writes!(optionsOf({ path: 'out/x.csv' }), env)).toEqual([`files:${out()}/x.csv`])
  expect(await sinkFiles.probe!(optionsOf({}), env, new AbortController().signal)).toContain(out())
  await writeFile(out(), '')
  await expect(sinkFiles.probe!(optionsOf({}), env, new AbortController().signal)).rejects.toMatchObject({
    code: 'output_taken',
  })
})
