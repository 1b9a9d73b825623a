import type { RecordType } from '@millrace/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { acceptProblems, optionProblems, templateOf } from '../src/options.ts'
import { encodeName, type PathTemplate, placer } from '@millrace/kinds'
import { optionsOf } from './drive.ts'
import { everyType, field, string } from './read.ts'

const parsed = (path: string) => templateOf({ path }) as PathTemplate

test('a path is a folder, or a file when its ending is that of a format', () => {
  expect(parsed('out')).toMatchObject({ root: 'out', folders: [], name: undefined, ending: '' })
  expect(parsed('out/')).toMatchObject({ root: 'out', name: undefined })
  expect(parsed('/data/out/')).toMatchObject({ root: '/data/out' })
  expect(parsed('lines.jsonl')).toMatchObject({ root: '.', name: ['lines'], ending: '.jsonl' })
  expect(parsed('/lines.CSV.GZ')).toMatchObject({ root: '/', name: ['lines'], ending: '.CSV.GZ' })
  expect(parsed('out/v1.2/all.csv.zst')).toMatchObject({ root: 'out/v1.2', name: ['all'], ending: '.csv.zst' })
  expect(parsed('out/lines.jsonl/')).toMatchObject({ root: 'out/lines.jsonl', name: undefined })
  expect(parsed('out/v1.2')).toMatchObject({ root: 'out/v1.2', name: undefined })
})

test('parts of it can be fields, and dates with a pattern', () => {
  expect(parsed('out/{city}/day={at:yyyy-MM-dd}')).toEqual({
    root: 'out',
    folders: [[{ field: 'city' }], ['day=', { field: 'at', pattern: 'yyyy-MM-dd' }]],
    name: undefined,
    ending: '',
  })
  expect(parsed('out/x-{city}.csv')).toMatchObject({ root: 'out', folders: [], name: ['x-', { field: 'city' }] })
  expect(parsed('out/{at:yyyy/MM}/')).toMatchObject({ folders: [[{ field: 'at', pattern: 'yyyy/MM' }]] })
})

test('what is wrong with a path is told', () => {
  for (const path of ['', '/', 'out/{city', 'out/city}', 'out/{}', 'out/.jsonl'])
    expect(optionProblems(optionsOf({ path }))).toMatchObject([{ code: 'bad_value', at: ['path'] }])
  expect(optionProblems(optionsOf({ path: 'out/{at:QQ}' }))).toMatchObject([{ code: 'bad_date_format', at: ['path'] }])
  expect(optionProblems(optionsOf({ path: 'out/a.csv.gz', compression: 'zstd' }))).toMatchObject([
    { code: 'bad_value', at: ['compression'] },
  ])
  expect(optionProblems(optionsOf({ format: { type: 'jsonl', delimiter: ';' } }))).toMatchObject([
    { code: 'unknown_key', at: ['format', 'delimiter'] },
  ])
  expect(optionProblems(optionsOf({ format: { type: 'json', nulls: 'NA' } }))).toMatchObject([
    { code: 'bad_value', at: ['format', 'nulls'] },
  ])
  expect(optionProblems(optionsOf({ path: 'out/{city}/', format: { type: 'csv', nulls: 'NA' } }))).toEqual([])
})

test('fields in a path must be there, be plain, and be dates where they have a pattern', () => {
  const codes = (path: string) => acceptProblems(optionsOf({ path }), everyType).map(({ code }) => code)
  expect(codes('out/{city}/{at:yyyy}/{day:MM}/{big}/{flag}/{money}')).toEqual([])
  expect(codes('out/{nobody}/{constructor}')).toEqual(['unknown_field', 'unknown_field'])
  expect(codes('out/{tags}/{raw}')).toEqual(['wrong_type', 'wrong_type'])
  expect(codes('out/{city:yyyy}')).toEqual(['wrong_type'])
})

test('values become names that are no paths', () => {
  const names: [string, string][] = [
    ['United Kingdom', 'United Kingdom'],
    ['Köln 東京 😀', 'Köln 東京 😀'],
    ['', '__empty__'],
    ['..', '%2E%2E'],
    ['.', '%2E'],
    ['.git', '%2Egit'],
    ['a.b', 'a.b'],
    ['a.', 'a%2E'],
    ['a ', 'a%20'],
    ['a/b\\c', 'a%2Fb%5Cc'],
    ['../../etc/passwd', '%2E.%2F..%2Fetc%2Fpasswd'],
    ['100%', '100%25'],
    ['a:b*c?"<>|', 'a%3Ab%2Ac%3F%22%3C%3E%7C'],
    ['x\u0000\n\u007f', 'x%00%0A%7F'],
    ['\ud83d', '%uD83D'],
    ['__null__', '%5F_null__'],
  ]
  for (const [value, name] of names) expect(encodeName(value)).toBe(name)
  expect(encodeName('ä'.repeat(500))).toMatch(/^ä{20}~[0-9a-f]{32}$/)
})

test('names are safe for every text, and different for different ones', () => {
  const seen = new Map<string, string>()
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ maxLength: 200 }),
    fc.stringMatching(/^[._% a/~-]{0,5}$/),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const name = encodeName(text)
      const isSafe =
        // oxlint-disable-next-line no-control-regex
        !/^\.|[\u0000-\u001f/\\]|[. ]$|^$|^__null__$/.test(name) &&
        Buffer.byteLength(name) <= 120 &&
        name.isWellFormed()
      if (!isSafe || (seen.get(name) ?? text) !== text)
        throw new Error(`${JSON.stringify(text)} became ${JSON.stringify(name)}`)
      seen.set(name, text)
    }),
    { numRuns: 500 },
  )
})

test('records of one place have one key, and the key says the place', () => {
  const schema: RecordType = {
    fields: {
      city: string(true),
      at: field({ kind: 'timestamp' }, true),
      day: field({ kind: 'date' }),
      n: field({ kind: 'integer' }),
    },
  }
  const { keyOf, placeOf } = placer(parsed('out/{city}/{at:yyyy-MM}/{day:dd}-{n}.csv'), schema)
  const key = keyOf({ city: 'a/b', at: Date.UTC(2010, 11, 31, 23, 59), day: '2011-01-02', n: 3 })
  expect(placeOf(key)).toEqual({ folder: 'a%2Fb/2010-12', name: '02-3' })
  expect(keyOf({ city: 'a/b', at: Date.UTC(2010, 11, 1), day: '2010-05-02', n: 3 })).toBe(key)
  expect(placeOf(keyOf({ city: null, at: undefined, day: '2011-01-02', n: -1 }))).toEqual({
    folder: '__null__/__null__',
    name: '02--1',
  })
})
