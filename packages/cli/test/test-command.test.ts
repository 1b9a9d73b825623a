/** `pipe test`: the cases beside a spec, run by the command. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

/** A project of these files. */
function project(files: Readonly<Record<string, string>>): string {
  const folder = freshFolder()
  for (const [path, text] of Object.entries({ 'millrace.yaml': 'name: shop\n', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

const orders = `version: 1
name: orders
source: { type: csv, config: { path: in.csv }, schema: { fields: { id: integer, total: number, on: string? } } }
steps:
  - parse_dates: { on: { formats: [d/M/yyyy], to: yyyy-MM-dd } }
  - where: "total > 0"
sinks:
  lines: { type: files, config: { path: out/, format: jsonl } }
  docs: { type: sqlite, config: { collection: orders, key: id } }
on_error: { data: dead_letter }
dead_letter: { type: files, config: { path: bad/, format: jsonl } }
`

/** A test file with one case. */
const oneCase = (given: string, expected: string, more = ''): string =>
  `tests:\n  - name: one\n    given: { source: ${given} }\n    expect: ${expected}\n${more}`

const run = async (files: Readonly<Record<string, string>>, words: readonly string[] = []) => {
  const folder = project(files)
  return { folder, ...(await pipe(['test', ...words], folder)) }
}

describe('pipe test', () => {
  it('passes a case whose output is as expected, and leaves nothing in the project', async () => {
    const given = '[{ id: 1, total: 3, on: 2/1/2026 }, { id: 2, total: 0 }, { id: 1, total: 5 }]'
    const expected =
      '{ lines: [{ id: 1, total: 3, on: 2026-01-02 }, { id: 1, total: 5 }], docs: [{ id: 1, total: 5, on: null }] }'
    const { folder, code, out } = await run({
      'pipelines/orders.yaml': orders,
      'pipelines/orders.test.yaml': oneCase(given, expected),
    })
    expect(out).toMatch(/^pipelines\/orders\.test\.yaml\n {2}ok {4}one\n\n1 case: 1 passed, 0 failed\n$/)
    expect(code).toBe(0)
    expect(['.millrace', 'out', 'bad'].filter((name) => existsSync(join(folder, name)))).toEqual([])
  })

  it('shows records that are missing, unexpected or changed, with their place', async () => {
    const given = '[{ id: 1, total: 3 }, { id: 2, total: 4 }, { id: 9, total: 9, on: 2/1/2026 }]'
    const expected = `
      lines:
        - { id: 1, total: 3 }
        - { id: 2, total: 5 }
        - { id: 7, total: 8 }`
    const { code, out } = await run({ 'orders.yaml': orders, 'orders.test.yaml': oneCase(given, expected) })
    expect(code).toBe(1)
    expect(out).toBe(`orders.test.yaml
  FAIL  one
    lines: changed (orders.test.yaml:7:11)
        { id: 2, total: 5 }
      total: expected 5, got 4
    lines: missing (orders.test.yaml:8:11)
      - { id: 7, total: 8 }
    lines: unexpected (orders.test.yaml:5:7)
      + { id: 9, total: 9, on: 2026-01-02 }

1 case: 0 passed, 1 failed
`)
  })

  it('finds an expectation that is off by one record, in a sink with a key too', async () => {
    const given = '[{ id: 1, total: 3 }, { id: 2, total: 4 }]'
    const { out } = await run({
      'orders.yaml': orders,
      'orders.test.yaml': oneCase(given, '{ lines: [{ id: 1, total: 3 }], docs: [{ id: 2, total: 4 }] }'),
    })
    expect(out).toContain('lines: unexpected (orders.test.yaml:4:15)\n      + { id: 2, total: 4 }')
    expect(out).toContain('docs: unexpected (orders.test.yaml:4:45)\n      + { id: 1, total: 3 }')
  })

  it('reads original text by the decoder of the source, and matches dead letters by the fields that are named', async () => {
    const given = `['raw: "1,3,31/2/2026"', 'raw: "2,x,1/2/2026"', 'raw: "3,4,1/2/2026"']`
    const list = given.replaceAll(/'raw: ("[^"]*")'/g, '{ raw: $1 }')
    const expected = `
      lines: [{ id: 3, total: 4, on: 2026-02-01 }]
      dead_letter: [{ code: not_number, field: total }, { code: bad_date, message: 31/2/2026, raw: "1,3,31/2/2026" }]`
    const { code, out } = await run({ 'orders.yaml': orders, 'orders.test.yaml': oneCase(list, expected) })
    expect(out).toContain('1 passed')
    expect(code).toBe(0)
  })

  it('fails for a dead letter that is not expected, and for a run that fails', async () => {
    const given = '[{ id: 1, total: 3, on: tomorrow }]'
    const letters = await run({ 'orders.yaml': orders, 'orders.test.yaml': oneCase(given, '{ lines: [] }') })
    expect(letters.out).toContain(
      'dead_letter: unexpected (orders.test.yaml:2:11)\n      + { step: parse_dates, code: bad_date',
    )
    const stopping = orders.replace(/on_error[^]*$/, '')
    const failed = await run({ 'orders.yaml': stopping, 'orders.test.yaml': oneCase(given, '{}') })
    expect(failed.out).toContain('the run failed: bad_date at source, split given, position 0')
    const expected = '{ error: { code: bad_date, message: tomorrow } }'
    expect((await run({ 'orders.yaml': stopping, 'orders.test.yaml': oneCase(given, expected) })).code).toBe(0)
    const none = await run({ 'orders.yaml': stopping, 'orders.test.yaml': oneCase('[]', expected) })
    expect(none.out).toContain('the run did not fail as it should')
  })

  it('reports keys that a test file does not have, with suggestions', async () => {
    const { code, err } = await run({
      'orders.yaml': orders,
      'orders.test.yaml': 'profil: local\ntests:\n  - { name: a, expekt: {} }\n  - name: a\n    clock: noon\n',
    })
    expect(code).toBe(2)
    expect(err).toContain('orders.test.yaml:1:1  error unknown_key')
    expect(err).toContain('did you mean `profile`?')
    expect(err).toContain('orders.test.yaml:3:16  error unknown_key')
    expect(err).toContain('orders.test.yaml:4:11  error bad_value')
    expect(err).toContain('orders.test.yaml:5:12  error bad_value')
  })

  it('reports records that do not fit the schema', async () => {
    const { code, err } = await run({
      'orders.yaml': orders,
      'orders.test.yaml': `tests:
  - name: one
    given:
      sourc: []
      source:
        - { id: 1, totall: 3 }
        - { id: x, total: 3 }
        - { recrd: { id: 1 }, split: a }
        - { at: 2025-01-01T00:00:00Z, record: { id: 1, total: 1 } }
    expect:
      line: []
      dead_letter: [{ cod: bad_date }]
`,
    })
    expect(code).toBe(2)
    const found = [...err.matchAll(/^orders\.test\.yaml:(\d+:\d+) {2}error (\w+)\n {2}(.*)$/gm)]
    expect(found.map(([, place, key, text]) => `${place} ${key} ${text}`)).toEqual([
      '4:7 unknown_key the spec has no source `sourc`',
      '6:11 missing_key total is missing: expected a number',
      '6:20 unknown_key the schema has no field `totall`',
      '7:17 wrong_type id: "x" is not a whole number',
      '8:13 unknown_key unknown key `recrd`',
      '9:17 bad_value time does not go back',
      '11:7 unknown_key the spec has no sink `line`',
      '12:23 unknown_key a dead letter has no `cod`',
    ])
    expect(err).toContain('did you mean `lines`?')
  })

  it('takes nothing from the machine: neither variables nor secrets', async () => {
    const spec = orders.replace('path: in.csv', 'path: "${env:FILE}"')
    const test = oneCase('[{ id: 1, total: 1 }]', '{ lines: [{ id: 1, total: 1 }] }')
    const folder = project({ 'orders.yaml': spec, 'orders.test.yaml': test })
    expect((await pipe(['test'], folder, { FILE: 'x.csv' })).err).toContain('env_missing')
    writeFileSync(join(folder, 'orders.test.yaml'), `env: { FILE: x.csv }\n${test}`)
    expect((await pipe(['test'], folder)).code).toBe(0)
  })

  it('prints each case as a line of JSON', async () => {
    const test = oneCase('[{ id: 1, total: 3 }]', '{ lines: [] }')
    const { code, out } = await run({ 'orders.yaml': orders, 'orders.test.yaml': test }, ['--json'])
    expect(code).toBe(1)
    expect(out.trim().split('\n')).toHaveLength(1)
    expect(JSON.parse(out)).toMatchObject({
      file: 'orders.test.yaml',
      line: 2,
      col: 11,
      name: 'one',
      ok: false,
      differences: [{ sink: 'lines', kind: 'unexpected', got: { id: 1, total: 3 }, line: 4, col: 15 }],
    })
  })

  it('prints findings as a line of JSON too', async () => {
    const { code, out } = await run({ 'orders.yaml': orders, 'orders.test.yaml': 'test: []\n' }, ['--json'])
    expect(code).toBe(2)
    expect(JSON.parse(out)).toMatchObject({ file: 'orders.test.yaml', ok: false, findings: [{ code: 'unknown_key' }] })
  })

  it('has a JSON Schema for editors that allows what the guide shows', async () => {
    const { code, out } = await pipe(['schema', 'print', '--tests'], project({}))
    expect(code).toBe(0)
    const { properties } = JSON.parse(out) as { properties: Record<string, unknown> }
    expect(Object.keys(properties)).toEqual(['spec', 'profile', 'vars', 'env', 'tests'])
  })

  it('takes files, specs and names, and runs cases by a part of their name', async () => {
    const two = `${oneCase('[]', '{ lines: [] }')}  - name: another\n    expect: { lines: [{ id: 1, total: 2 }] }\n`
    const folder = project({ 'pipelines/orders.yaml': orders, 'pipelines/orders.test.yaml': two })
    for (const word of ['orders', 'pipelines/orders.yaml', 'pipelines/orders.test.yaml']) {
      expect(await pipe(['test', word, '--only', 'one'], folder)).toMatchObject({ code: 0 })
      expect(await pipe(['test', word, '--only', 'ano'], folder)).toMatchObject({ code: 1 })
    }
    expect((await pipe(['test', '--only', 'xyz'], folder)).err).toContain('No case has a name with `xyz`.')
    expect((await pipe(['test', 'orders.test.yaml'], folder)).err).toContain('file_missing')
  })

  it('is not taken for a spec by other commands', async () => {
    const folder = project({ 'pipelines/orders.yaml': orders, 'pipelines/orders.test.yaml': oneCase('[]', '{}') })
    expect(await pipe(['check'], folder)).toMatchObject({ code: 0, out: 'orders: valid\n' })
    const both = ['pipelines/orders.test.yaml', 'pipelines/orders.yaml']
    expect(await pipe(['check', ...both], folder)).toMatchObject({ code: 0, out: 'orders: valid\n' })
    expect(await pipe(['run', both[0]!], folder)).toMatchObject({
      code: 2,
      err: 'error usage: pipelines/orders.test.yaml is a test file, not a spec.\n  Run it with `pipe test pipelines/orders.test.yaml`.\n',
    })
  })
})
