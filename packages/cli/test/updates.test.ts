/** Which sinks may follow a step that emits results again. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { check, loadRegistry, readProject, wantedBy } from '@millrace/core'
import { builtins } from '../src/builtins.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-updates-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

async function codesBehindUpdates(sink: string): Promise<string[]> {
  const spec = join(root, 'spec.yaml')
  writeFileSync(join(root, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(
    spec,
    `version: 1
name: sums
source:
  type: csv
  config: { path: sales.csv }
  schema: { fields: { id: integer, at: timestamp } }
  event_time: { field: at }
steps:
  - aggregate:
      by: [id]
      outputs: { lines: "count()" }
      window: { tumbling: 1h, allowed_lateness: 5m, late: drop }
sinks:
  out: { type: sqlite, config: { collection: sums, ${sink} } }
`,
  )
  const project = await readProject({ spec, root })
  const registry = await loadRegistry({ root, builtins, wanted: wantedBy(project) })
  return check(project, registry).findings.map(({ code }) => code)
}

it('one that replaces what it has, but not one that keeps the first record of a key', async () => {
  expect(await codesBehindUpdates('key: [id, window_start]')).toEqual([])
  expect(await codesBehindUpdates('key: [id, window_start], write: insert')).toEqual(['sink_behind_updates'])
})

it('one whose attributes are named by what cannot change', async () => {
  const set = (name: string) => `key: id, write: set, attribute: { name: ${name}, value: [lines] }`
  expect(await codesBehindUpdates(set('window_start'))).toEqual([])
  expect(await codesBehindUpdates(set('lines'))).toEqual(['sink_behind_updates'])
})
