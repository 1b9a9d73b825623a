import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryOf } from '@millrace/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'

const schema = {
  fields: { n: { type: { kind: 'integer' }, optional: false }, text: { type: { kind: 'string' }, optional: false } },
} as const
const row = { n: 1, text: 'x'.repeat(1_000_000) }
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-memory-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const defaults = { nulls: 'write', existing: 'keep' }
const cases: [string, object][] = [
  ['as documents', { collection: 'c' }],
  ['merged into documents', { collection: 'c', write: 'set', key: 'n' }],
  ['as rows by key', { table: 't', write: 'merge', key: 'n' }],
  ['as rows that are added', { table: 'a' }],
]

it.each(cases)(
  '200 records of 1 MB take the memory of a few, %s',
  async (_what, options) => {
    const making = { options: { ...defaults, ...options }, schema }
    const module = new URL('../src/index.ts', import.meta.url)
    for (const [writes, perWrite] of [
      [1, 200],
      [20, 10],
    ] as const) {
      const { peak } = await memoryOf({ module, type: 'sqlite', root, making, row, writes, perWrite })
      expect(peak).toBeLessThan(100e6)
    }
  },
  60_000,
)
