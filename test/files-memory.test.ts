/** Records of a megabyte are read from files and written to files in little memory, whatever the format. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const records = 500
const most = 150
const text = 'a text of 20 letters'.repeat(50_000)

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-memory-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function makeInput(format: string): void {
  const file = openSync(join(root, `in.${format}`), 'w')
  writeSync(file, { csv: 'id,text\n', json: '[', jsonl: '' }[format]!)
  for (let id = 0; id < records; id++) {
    const object = JSON.stringify({ id, text })
    const end = id === records - 1 ? ']' : ',\n'
    writeSync(file, { csv: `${id},${text}\n`, json: object + end, jsonl: `${object}\n` }[format]!)
  }
  closeSync(file)
}

/** By how many MiB the process that does it grows. */
const growth = (...args: string[]): number => {
  const child = join(import.meta.dirname, 'files-memory.ts')
  const told = execFileSync(process.execPath, ['--conditions=@millrace/source', '--no-warnings', child, root, ...args])
  const { rows, mebibytes } = JSON.parse(String(told)) as { rows: number; mebibytes: number }
  expect(rows).toBe(records)
  return mebibytes
}

test.each([
  ['json', 'jsonl'],
  ['csv', 'csv'],
])('from %s to %s', { timeout: 120_000 }, (from, to) => {
  makeInput(from)
  expect(growth(from, to)).toBeLessThan(most)
})

test('in a write of all of them at once', { timeout: 120_000 }, () => {
  expect(growth('memory', 'jsonl')).toBeLessThan(most)
})
