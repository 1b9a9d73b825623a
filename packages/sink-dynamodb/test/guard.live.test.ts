/** `guard`: what is older is not written, whatever the order, the batches and the answers that are lost. */
import type { RecordType, Row } from '@millrace/core'
import { cuttingProxy, liveUrl, mulberry32 } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import definitions from '../src/index.ts'
import type { Options } from '../src/options.ts'
import { records, resolved, standInAt, writing } from './stand-in.ts'

const url = liveUrl('DYNAMODB')
const string = { type: { kind: 'string' }, optional: true } as const
const integer = { type: { kind: 'integer' }, optional: true } as const
const versioned: RecordType = { fields: { id: string, version: integer, text: string, more: string } }
const row = (id: string, version: number | null, text: string | null, more: string | null = null): Row => ({
  id,
  version,
  text,
  more,
})

describe.skipIf(!url)('a guarded table', () => {
  const at = standInAt(url ?? 'http://127.0.0.1:1')
  const guarded = (collection: string, more: Partial<Options> = {}) =>
    at.options({ collection, key: 'id', guard: { field: 'version' }, ...more })
  const write = async (options: Options, rows: readonly Row[], schema = versioned): Promise<number> => {
    let older = 0
    const sink = await at.open(options, schema)
    await sink.write(records(rows), { ...writing, superseded: (n) => (older += n) })
    return older
  }
  const stored = async (options: Options) =>
    (await at.items(options.table_prefix + options.collection))
      .map(({ id, version, text, more }) => [id!.S, version?.N ?? version?.S, text?.S ?? null, more?.S ?? null])
      .toSorted((a, b) => (String(a) < String(b) ? -1 : 1))

  test.each(['upsert', 'set'] as const)('keeps the newest record of a key and counts the others (%s)', async (how) => {
    const options = guarded(`newest-${how}`, { write: how })
    expect(await write(options, [row('a', 2, 'two'), row('b', 5, 'five'), row('a', 1, 'one')])).toBe(1)
    expect(await write(options, [row('a', 2, 'again'), row('b', 4, 'four'), row('c', 0, 'new')])).toBe(2)
    expect(await write(options, [row('b', 3, 'x'), row('b', 4, 'y'), row('b', 7, 'seven'), row('b', 6, 'z')])).toBe(1)
    const all = [
      ['a', '2', 'two', null],
      ['b', '7', 'seven', null],
      ['c', '0', 'new', null],
    ]
    expect(await stored(options)).toEqual(all)
    // A replay, in other batches.
    await write(options, [row('a', 2, 'two'), row('b', 5, 'five')])
    await write(options, [row('a', 1, 'one'), row('b', 4, 'four'), row('c', 0, 'new'), row('b', 3, 'x')])
    expect(await stored(options)).toEqual(all)
  })

  test('merges what each record has, if nulls are omitted', async () => {
    const options = guarded('merged', { write: 'set', nulls: 'omit' })
    await write(options, [row('a', 2, 'two')])
    // The first is older than what is stored, so nothing of it may come in with the last.
    expect(await write(options, [row('a', 1, null, 'older'), row('a', 3, 'three')])).toBe(1)
    await write(options, [row('a', 5, null, 'five'), row('a', 6, 'six')])
    expect(await stored(options)).toEqual([['a', '6', 'six', 'five']])
  })

  test('sets more fields than one update can', async () => {
    const names = Array.from({ length: 700 }, (_, n) => `f${n}`)
    const wide: RecordType = { fields: { ...versioned.fields, ...Object.fromEntries(names.map((n) => [n, integer])) } }
    const of = (version: number) => ({
      ...row('a', version, 'x'),
      ...Object.fromEntries(names.map((name) => [name, version])),
    })
    const options = guarded('wide', { write: 'set' })
    for (const version of [3, 5, 4]) await write(options, [of(version)], wide)
    const [item] = await at.items(`${options.table_prefix}wide`)
    expect(new Set([...names, 'version'].map((name) => item![name]!.N))).toEqual(new Set(['5']))
  })

  test('gives way where the stored field is absent, null or of another type', async () => {
    const plain = at.options({ collection: 'before', key: 'id' })
    await write({ ...plain, nulls: 'omit' }, [row('absent', null, 'old')])
    await write(plain, [row('null', null, 'old')])
    await write(plain, [{ ...row('text', null, 'old'), version: '9' }], {
      fields: { ...versioned.fields, version: string },
    })
    const ids = ['absent', 'null', 'text']
    expect(
      await write(
        { ...plain, guard: { field: 'version' } },
        ids.map((id) => row(id, 1, 'new')),
      ),
    ).toBe(0)
    expect(await stored(plain)).toEqual(ids.map((id) => [id, '1', 'new', null]))
  })

  test('refuses a record without the field, and tries the one before where an item is too large', async () => {
    const options = guarded('refused')
    const large = 'x'.repeat(420_000)
    const failing = write(options, [row('a', 1, 'one'), row('a', 2, large), row('b', null, 'x')])
    await expect(failing).rejects.toMatchObject({
      failures: [
        { index: 1, kind: 'data', code: 'too_large' },
        { index: 2, kind: 'data', code: 'missing_value', field: 'version' },
      ],
    })
    expect(await stored(options)).toEqual([['a', '1', 'one', null]])
  })

  test('ends the same for writers in any order whose answers are lost', async () => {
    const random = mulberry32(7)
    const { hostname, port } = new URL(url!)
    const proxy = await cuttingProxy(Number(port), hostname)
    at.defer(() => proxy.close())
    const options = guarded('raced', { endpoint: `http://127.0.0.1:${proxy.port}` })
    const versions = Array.from({ length: 60 }, (_, n) => row(`k${n % 5}`, n, `text ${n}`))
    const sinks = await Promise.all([1, 2, 3].map(() => at.open(options, versioned)))
    const shuffled = versions.toSorted(() => random() - 0.5)
    for (let n = 0; n < shuffled.length; n += 6) {
      const some = shuffled.slice(n, n + 6)
      if (random() < 0.5) await proxy.set({ cutAnswerOf: 300 })
      const outcomes = await Promise.allSettled(
        sinks.map(async (sink, k) => sink.write(records(some.slice(k * 2, k * 2 + 2)), writing)),
      )
      // As the engine does: the same records again.
      await proxy.set('none')
      for (const [k, { status }] of outcomes.entries())
        if (status === 'rejected') await sinks[k]!.write(records(some.slice(k * 2, k * 2 + 2)), writing)
    }
    expect(proxy.cuts).toBeGreaterThan(1)
    expect(await stored(options)).toEqual(
      versions.slice(-5).map((each) => [each['id'], `${each['version']}`, each['text'], null]),
    )
  })
})

test('the check finds a guard that cannot work', () => {
  const [definition] = definitions
  const found = (more: Partial<Options>, schema = versioned) => {
    const o = resolved({ collection: 'items', guard: { field: 'version' }, key: 'id', ...more })
    const env = { root: '/', home: '/', profile: 'p', pipeline: 'p', id: 's', resolve: (path: string) => path }
    return [...definition!.check!(o, env), ...definition!.accepts!(o, schema)].map(({ code, at }) => [code, at])
  }
  expect(found({})).toEqual([])
  const guard = ['bad_value', ['guard']]
  expect(found({ write: 'insert' })).toEqual([guard])
  expect(found({ write: 'delete' })).toEqual([guard])
  expect(found({ write: 'set', attribute: { name: 'id', value: ['text'] } })).toEqual([guard])
  expect(found({ key: ['id', 'version'] })).toEqual([guard])
  expect(found({ write: 'set', fields: ['text'] })).toEqual([guard])
  expect(found({ guard: { field: 'none' } })).toEqual([['unknown_field', ['guard', 'field']]])
  const json: RecordType = { fields: { ...versioned.fields, version: { type: { kind: 'json' }, optional: true } } }
  expect(found({}, json)).toEqual([['bad_value', ['guard', 'field']]])
})
