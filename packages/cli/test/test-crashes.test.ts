/** `crash: every`: a case is repeated and killed at every point, and must give the same results. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const given = '[{ id: 1 }, { id: 2 }, { id: 3 }]'

/** Runs a case against a pipeline with the function `step` of this code. */
async function run(code: string, sink: string, expected: string, records = given) {
  const folder = freshFolder()
  const files = {
    'millrace.yaml': 'name: shop\n',
    'code/step.ts': code,
    'pipeline.yaml': `version: 1
name: calls
source: { type: csv, config: { path: in.csv }, schema: { fields: { id: integer } } }
steps:
  - call: { function: "code/step.ts#step", output: { fields: { id: integer, n: integer } } }
sinks: { out: ${sink} }
`,
    'pipeline.test.yaml': `tests:
  - name: calls
    crash: every
    given: { source: ${records} }
    expect: { out: ${expected} }
`,
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return pipe(['test'], folder)
}

const sinks = {
  files: '{ type: files, config: { path: out/, format: jsonl } }',
  documents: '{ type: sqlite, config: { collection: out, key: id } }',
  stream: '{ type: log, config: { stream: out } }',
}
const numbered = '[{ id: 1, n: 1 }, { id: 2, n: 2 }, { id: 3, n: 3 }]'

describe('crash: every', () => {
  it.each(Object.entries(sinks))('passes a function that depends on its record only, into %s', async (_, sink) => {
    const { code, out } = await run('export const step = (row) => ({ ...row, n: row.id })', sink, numbered)
    expect(out).toMatch(/ok {4}calls \(.*killed [4-9]\d times\)/)
    expect(code).toBe(0)
  })

  it.each(Object.entries(sinks))('finds a counter that a function keeps, into %s', async (_, sink) => {
    const counter = 'let n = 0\nexport const step = (row) => ({ ...row, n: ++n })'
    const { code, out } = await run(counter, sink, numbered)
    expect(code).toBe(1)
    expect(out).toMatch(/killed at \w+, first in epoch [12], it gives something else:\n {4}out: /)
    expect(out).toMatch(/n: expected 3, got [12]|unexpected .*\n.*n: 1 \}/)
  })

  it('finds memory of a function that repetition alone would not show: a restart loses it', async () => {
    // Whoever came first names the group: after a restart somebody else does.
    const first = 'let first\nexport const step = (row) => ({ ...row, n: (first ??= row.id) })'
    const { code, out } = await run(first, sinks.files, '[{ id: 1, n: 1 }, { id: 2, n: 1 }, { id: 3, n: 1 }]')
    expect(code).toBe(1)
    expect(out).toMatch(/n: expected 1, got [23]/)
  })

  it('compares how a run fails', async () => {
    const expected = '[{ id: 1, n: 1 }], error: { code: call_failed, message: two }'
    const failing = (more: string) =>
      `let n = 0\nexport const step = (row) => { n++; if (${more}) throw new Error('two'); return { ...row, n: row.id } }`
    expect(await run(failing('row.id === 2'), sinks.files, expected)).toMatchObject({ code: 0 })
    const { code, out } = await run(failing('n === 2'), sinks.files, expected)
    expect(code).toBe(1)
    expect(out).toContain('error: changed')
  })

  it('kills a case with many records at most ten times at each point', async () => {
    const many = Array.from({ length: 100 }, (_, i) => i + 1)
    const { code, out } = await run(
      'export const step = (row) => ({ ...row, n: row.id })',
      sinks.files,
      `[${many.map((id) => `{ id: ${id}, n: ${id} }`).join(', ')}]`,
      `[${many.map((id) => `{ id: ${id} }`).join(', ')}]`,
    )
    expect(code).toBe(0)
    expect(Number(/killed (\d+) times/.exec(out)![1])).toBeLessThan(250)
  })
})
