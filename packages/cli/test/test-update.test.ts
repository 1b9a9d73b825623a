/** `pipe test --update` and `--create`: only what is wrong is rewritten, and a first test comes from real records. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const spec = `version: 1
name: orders
source: { type: csv, config: { path: data/in.csv }, schema: { fields: { id: integer, total: "decimal(6,2)", note: string? } } }
steps:
  - where: "total > decimal(0, 6, 2)"
sinks:
  lines: { type: files, config: { path: out/, format: jsonl } }
  docs: { type: sqlite, config: { collection: orders, key: id } }
on_error: { data: dead_letter }
dead_letter: { type: files, config: { path: bad/, format: jsonl } }
`

function project(files: Readonly<Record<string, string>>): string {
  const folder = freshFolder()
  for (const [path, text] of Object.entries({ 'millrace.yaml': 'name: shop\n', 'orders.yaml': spec, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

/** The file after an update, which must leave nothing to do. */
async function updated(text: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = project({ 'orders.test.yaml': text, ...more })
  const { code, out, err } = await pipe(['test', '--update'], folder)
  expect(code, out + err).toBe(0)
  expect(await pipe(['test'], folder)).toMatchObject({ code: 0 })
  return readFileSync(join(folder, 'orders.test.yaml'), 'utf8')
}

const given = `    given:
      source:
        - { id: 1, total: 1.5 }   # the smallest
        - { id: 2, total: 2, note: "a: b" }
        - { id: 3, total: 3 }
`

describe('pipe test --update', () => {
  it('changes the records that are wrong, and keeps comments, order and layout of everything else', async () => {
    const before = `# Orders.
tests:

  - name: right
${given}    expect: { docs: [ {id: 3, total: 3},   {id: 2, total: 2.00, note: 'a: b'}, {id: 1, total: 1.5} ] }

  - name: wrong   # why
${given}    expect:
      # What the files hold.
      lines:
        # the first
        - { id: 1,   total: 1.5 }   # half
        - id: 2
          total: 9
        # gone
        - { id: 7, total: 1 }
        # the last
        - id: 3
          total: 3.00
      docs: []   # nothing yet
# The end.
`
    expect(await updated(before)).toBe(`# Orders.
tests:

  - name: right
${given}    expect: { docs: [ {id: 3, total: 3},   {id: 2, total: 2.00, note: 'a: b'}, {id: 1, total: 1.5} ] }

  - name: wrong   # why
${given}    expect:
      # What the files hold.
      lines:
        # the first
        - { id: 1,   total: 1.5 }   # half
        - { id: 2, total: "2.00", note: "a: b" }
        # the last
        - id: 3
          total: 3.00
      docs: [{ id: 1, total: "1.50" }, { id: 2, total: "2.00", note: "a: b" }, { id: 3, total: "3.00" }]   # nothing yet
# The end.
`)
  })

  it('fills in what a case without `expect` gives, also in the middle of a file', async () => {
    expect(
      await updated(`tests:
  - name: open
    given:
      source:
        - { id: 1, total: 1 }
        - { raw: "x,1," }

  - name: empty
    given: {}
    expect: {}
`),
    ).toBe(`tests:
  - name: open
    given:
      source:
        - { id: 1, total: 1 }
        - { raw: "x,1," }
    expect:
      lines:
        - { id: 1, total: "1.00" }
      docs:
        - { id: 1, total: "1.00" }
      dead_letter:
        - { step: source, code: not_integer, field: id }

  - name: empty
    given: {}
    expect: {}
`)
  })

  it('adds dead letters and errors that are not expected, and takes out an error that did not happen', async () => {
    const text = (expected: string) => `tests:
  - name: one
    given: { source: [{ raw: "x,1," }] }
    expect: ${expected}
`
    const letter = 'dead_letter: [{ step: source, code: not_integer, field: id }]'
    expect(await updated(text('{ lines: [] }'))).toBe(text(`{ lines: [], ${letter} }`))
    expect(await updated(text(`{ error: { code: x }, ${letter} }`))).toBe(text(`{ ${letter} }`))
    const stopping = spec.replace(/on_error[^]*$/, '')
    expect(await updated(text('\n      lines: []'), { 'orders.yaml': stopping })).toBe(
      text('\n      lines: []\n      error: { code: not_integer }'),
    )
    expect(await updated(text('{ error: { code: x } }'), { 'orders.yaml': stopping })).toBe(
      text('{ error: { code: not_integer } }'),
    )
  })

  it('does not hide a difference that only a crash shows', async () => {
    const folder = project({
      'code/n.ts': 'let n = 0\nexport const step = (row) => ({ id: ++n })',
      'orders.yaml': spec.replace(
        / {2}- where.*/,
        '  - call: { function: "code/n.ts#step", output: { fields: { id: integer } } }',
      ),
      'orders.test.yaml': `tests:\n  - name: one\n    crash: every\n${given}    expect: { lines: [] }\n`,
    })
    const { code, out } = await pipe(['test', '--update'], folder)
    expect(out).toContain('orders.test.yaml: 1 case updated')
    expect(out).toContain('it gives something else')
    expect(code).toBe(1)
  })
})

describe('pipe test --create', () => {
  const data = 'id,total,note\n1,1.50,\n2,-3,"a, b"\nx,4,\n4,4,\n5,5,\n'

  it('writes a test of the first records of the real source, with what comes out of them', async () => {
    const folder = project({ 'data/in.csv': data })
    const { code, out } = await pipe(['test', '--create', 'orders.yaml', '--records', '3'], folder)
    expect(out).toMatch(/^orders\.test\.yaml: 1 case updated\n {2}ok/)
    expect(code).toBe(0)
    expect(readFileSync(join(folder, 'orders.test.yaml'), 'utf8')).toBe(
      `tests:
  - name: the first records
    given:
      source:
        - { id: 1, total: "1.50" }
        - { id: 2, total: "-3.00", note: "a, b" }
        - { id: 4, total: "4.00" }
        - { raw: "x,4," }
    expect:
      lines:
        - { id: 1, total: "1.50" }
        - { id: 4, total: "4.00" }
      docs:
        - { id: 1, total: "1.50" }
        - { id: 4, total: "4.00" }
      dead_letter:
        - { step: source, code: not_integer, field: id }
`,
    )
    expect(await pipe(['test'], folder)).toMatchObject({ code: 0 })
  })

  it('overwrites nothing', async () => {
    const folder = project({ 'data/in.csv': data, 'orders.test.yaml': 'tests: []\n' })
    const { code, err } = await pipe(['test', '--create', 'orders.yaml'], folder)
    expect(code).toBe(2)
    expect(err).toContain('orders.test.yaml exists already.')
  })
})
