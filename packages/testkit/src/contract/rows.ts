/** Compares rows: null and absent are the same, the order of fields does not matter, bigint and bytes are values. */
import assert from 'node:assert/strict'
import type { Row } from '@millrace/core'

/** A value as text that is equal exactly for equal values. */
export function canonical(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value !== 'object') return JSON.stringify(value)
  if (value instanceof Uint8Array)
    return `bytes:${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const entries = Object.entries(value).filter(([, part]) => part !== null && part !== undefined)
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`)
    .join(',')}}`
}

/** Equal rows in the same order. */
export function sameRows(actual: readonly unknown[], expected: readonly unknown[], what: string): void {
  const n = Math.max(actual.length, expected.length)
  for (let i = 0; i < n; i++) {
    const [a, e] = [actual[i], expected[i]]
    if (i >= actual.length)
      assert.fail(`${what}: ${actual.length} rows, not ${expected.length}; the first missing: ${canonical(e)}`)
    if (i >= expected.length)
      assert.fail(`${what}: ${actual.length} rows, not ${expected.length}; the first extra: ${canonical(a)}`)
    if (canonical(a) !== canonical(e)) assert.fail(`${what}: row ${i} is ${canonical(a)}, not ${canonical(e)}`)
  }
}

/** Equal rows, equally often, in any order. */
export function sameSet(actual: readonly unknown[], expected: readonly unknown[], what: string): void {
  const left = new Map<string, number>()
  for (const row of expected) left.set(canonical(row), (left.get(canonical(row)) ?? 0) + 1)
  const extra: string[] = []
  for (const row of actual) {
    const key = canonical(row)
    const n = left.get(key)
    if (!n) extra.push(key)
    else if (n === 1) left.delete(key)
    else left.set(key, n - 1)
  }
  const lost = [...left.keys()]
  if (extra.length || lost.length) {
    const told = [
      lost.length ? `lost: ${lost.slice(0, 3).join(' ')}` : '',
      extra.length ? `duplicated or wrong: ${extra.slice(0, 3).join(' ')}` : '',
    ]
    assert.fail(`${what}: ${actual.length} rows for ${expected.length}; ${told.filter(Boolean).join('; ')}`)
  }
}

/** Deeply frozen, so that a step which changes its input throws. Bytes cannot be frozen. */
export function deepFreeze<T extends Row>(row: T): T {
  for (const part of Object.values(row))
    if (typeof part === 'object' && part !== null && !(part instanceof Uint8Array)) deepFreeze(part as Row)
  return Object.freeze(row)
}
