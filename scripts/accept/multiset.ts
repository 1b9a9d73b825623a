/**
 * Records as text in a canonical form, and multisets of them as sorted JSON lines, which can be compared by their hash.
 * null and absent are one; text is not a number.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** JSON with sorted keys, without nulls. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const entries = Object.entries(value)
    .filter(([, part]) => part !== null && part !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`).join(',')}}`
}

/** A multiset of records. */
export interface Multiset {
  readonly records: number
  readonly sha256: string
  readonly lines: readonly string[]
}

/** Collects records, and writes them as JSON lines in the order of their text. */
export async function multisetOf(records: AsyncIterable<object> | Iterable<object>, path: string): Promise<Multiset> {
  const lines: string[] = []
  for await (const record of records) lines.push(canonical(record))
  lines.sort()
  const text = lines.map((line) => `${line}\n`).join('')
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return { records: lines.length, sha256: createHash('sha256').update(text).digest('hex'), lines }
}

/** The first record that only one of two multisets has; undefined: they are equal. */
export function firstOther(found: Multiset, expected: Multiset): string | undefined {
  if (found.sha256 === expected.sha256) return undefined
  for (let i = 0; ; i++) {
    const [a, b] = [found.lines[i], expected.lines[i]]
    if (a === b) continue
    return b === undefined || (a !== undefined && a < b) ? `it has also ${a}` : `it lacks ${b}`
  }
}
