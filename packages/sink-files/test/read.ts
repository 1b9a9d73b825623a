/** What tests share: rows of every type, and what a reader of a folder finds. */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { RecordType, Row, Type } from '@millrace/core'
import { bytesSource } from '@millrace/formats'
import { type FileReadFormat, fileReadFormats } from '@millrace/formats-columnar'

export const field = (type: Type, optional = false) => ({ type, optional })
export const string = (optional = false) => field({ kind: 'string' }, optional)
export const integer = (optional = false) => field({ kind: 'integer' }, optional)

export const everyType: RecordType = {
  fields: {
    id: integer(),
    city: string(true),
    flag: field({ kind: 'boolean' }),
    big: field({ kind: 'bigint' }),
    real: field({ kind: 'number' }),
    money: field({ kind: 'decimal', precision: 20, scale: 2 }),
    day: field({ kind: 'date' }),
    at: field({ kind: 'timestamp' }, true),
    clock: field({ kind: 'time' }),
    micros: field({ kind: 'fine_timestamp', precision: 6 }),
    nanos: field({ kind: 'fine_timestamp', precision: 9 }, true),
    raw: field({ kind: 'bytes' }),
    tags: field({ kind: 'list', of: string() }),
  },
}

const cities = ['Köln', null, 'a/b', '..', '', 'Köln', '.hidden', 'x'.repeat(300)]

/** Rows of `everyType`, no two alike. */
export const everyRow = (n: number): Row[] =>
  Array.from({ length: n }, (_, i) => ({
    id: i,
    city: cities[i % cities.length]!,
    flag: i % 3 === 0,
    big: 9007199254740993n + BigInt(i),
    real: i / 3,
    money: `12345678901234567.${String(i % 100).padStart(2, '0')}`,
    day: `2010-12-${String((i % 28) + 1).padStart(2, '0')}`,
    at: i % 5 === 0 ? null : 1291191960000 + i * 86_400_000,
    clock: `${String(i % 24).padStart(2, '0')}:26:00${i % 3 ? `.${i % 9 || 5}` : ''}`,
    micros: 1291191960000001n * (i % 2 ? 1n : -1n) + BigInt(i),
    nanos: i % 7 === 0 ? null : 1291191960000000001n + BigInt(i),
    raw: new Uint8Array([i % 256, 0, 255]),
    tags: i % 2 ? [`t${i}`, '"'] : [],
  }))

/** Paths of all files that a reader sees, relative to the folder. */
export async function visibleFiles(folder: string): Promise<string[]> {
  const walk = async (at: string): Promise<string[]> => {
    const entries = await readdir(at, { withFileTypes: true }).catch(() => [])
    const inside = entries
      .filter((entry) => !entry.name.startsWith('.'))
      .map(async (entry) => (entry.isDirectory() ? walk(join(at, entry.name)) : [join(at, entry.name)]))
    return (await Promise.all(inside)).flat()
  }
  return (await walk(folder)).map((path) => relative(folder, path)).toSorted()
}

/** Everything in a folder, hidden names too. */
export const allFiles = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted()

/** The rows of one file. */
export async function rowsOf(path: string, schema: RecordType): Promise<Row[]> {
  const raw = await readFile(path)
  const bytes = path.endsWith('.gz') ? gunzipSync(raw) : path.endsWith('.zst') ? zstdDecompressSync(raw) : raw
  const rows: Row[] = []
  const type = /\.(jsonl|json|csv|parquet)/.exec(path)![1] as FileReadFormat['type']
  const { reader } = fileReadFormats.open({ type }, { schema, unknownFields: 'error' })
  for await (const piece of reader.read(bytesSource(bytes), undefined, new AbortController().signal)) {
    if (piece.bad?.length) throw new Error(`${path}: ${piece.bad[0]!.message}`)
    rows.push(...piece.rows)
  }
  return rows
}

/** The rows of all files that a reader of the folder sees. */
export async function visibleRows(folder: string, schema: RecordType): Promise<Row[]> {
  const rows: Row[] = []
  for (const file of await visibleFiles(folder)) rows.push(...(await rowsOf(join(folder, file), schema)))
  return rows
}
