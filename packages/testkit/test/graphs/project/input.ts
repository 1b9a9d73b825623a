/** Writes the input of a case. A bad line is as long as its correction, so that correcting a file moves nothing. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openLog } from '@millrace/client-log'
import { type Case, type InputRecord, correctedRecord, type Source, type Split } from '../case.ts'
import { inputFolder, placeOf, sideFile } from './spec.ts'

const columns = ['n', 'u', 'k', 'q', 'd', 'c', 't', 'b', 'w'] as const
const header = `${columns.join()},pad\n`

function jsonOf({ undecodable, n, u, k, q, d, c, t, b, w }: InputRecord): string {
  const text = JSON.stringify({ n, u, k, q: undecodable === 'value' ? 'x' : q, d, c, t, b, w })
  return undecodable === 'line' ? `${text.slice(0, -1)}]` : text
}

const csvOf = (record: InputRecord): string =>
  `${columns
    .map((name) => (name === 'q' && record.undecodable ? 'x'.repeat(String(record.q).length) : (record[name] ?? '')))
    .join()},`

/** The line of a record. `pad`: padding beyond the length of the corrected record. */
export function lineOf(kind: Source['kind'], pad: number, record: InputRecord): string {
  const write = kind === 'csv' ? csvOf : jsonOf
  const longest = Math.max(write(record).length, write(correctedRecord(record)).length)
  const text = write(record)
  if (kind === 'log') return text
  return kind === 'csv' ? `${text.padEnd(longest + pad, 'p')}\n` : `${text.padEnd(longest + pad)}\n`
}

/** The position at which each record begins: a byte of a file, an index in a partition. */
export function offsetsOf({ kind, pad }: Source, { records }: Split): number[] {
  let at = kind === 'csv' ? header.length : 0
  return records.map((record, index) => {
    if (kind === 'log') return index
    const start = at
    at += lineOf(kind, pad, record).length
    return start
  })
}

/** Writes the input of round 0, or adds that of round 1. `corrected`: records to write as corrected, by `u`. */
export function writeInput(root: string, graph: Case, round: 0 | 1, corrected: ReadonlySet<string> = new Set()): void {
  if (round === 0)
    writeFileSync(join(root, sideFile), `k,label\n${graph.side.map(({ k, name }) => `${k},${name}\n`).join('')}`)
  for (const source of graph.sources) {
    if (source.kind === 'log') appendLog(root, source, round, corrected)
    else for (const split of source.splits) writeFileOf(root, source, split, round, corrected)
  }
}

/** Replaces records by their corrections, in place. */
export function correctInput(root: string, graph: Case, round: 0 | 1, corrected: ReadonlySet<string>): void {
  for (const source of graph.sources) {
    if (source.kind === 'log') correctLog(root, source, corrected)
    else for (const split of source.splits) writeFileOf(root, source, split, round, corrected)
  }
}

const present = (record: InputRecord, corrected: ReadonlySet<string>): InputRecord =>
  corrected.has(record.u) ? correctedRecord(record) : record

/** The line of a record or of its correction, padded to the length of the original. */
const lineIn = (source: Source, record: InputRecord, corrected: ReadonlySet<string>): string => {
  const length = lineOf(source.kind, source.pad, record).length
  const text = lineOf(source.kind, source.pad, present(record, corrected)).slice(0, -1)
  return `${source.kind === 'csv' ? text.padEnd(length - 1, 'p') : text.padEnd(length - 1)}\n`
}

function writeFileOf(root: string, source: Source, split: Split, round: 0 | 1, corrected: ReadonlySet<string>): void {
  const records = split.records.filter((record) => record.round <= round)
  if (records.length === 0) return
  const path = join(root, split.name)
  mkdirSync(dirname(path), { recursive: true })
  const text = records.map((record) => lineIn(source, record, corrected)).join('')
  writeFileSync(path, `${source.kind === 'csv' ? header : ''}${text}`)
}

function appendLog(root: string, source: Source, round: 0 | 1, corrected: ReadonlySet<string>): void {
  const log = openLog(join(root, inputFolder, `${placeOf(source)}.db`), { partitions: source.splits.length })!
  try {
    for (const [partition, { records }] of source.splits.entries()) {
      const fresh = records.filter((record) => record.round === round)
      for (let at = 0; at < fresh.length; at += source.chunk) {
        const chunk = fresh.slice(at, at + source.chunk)
        const body = Buffer.from(chunk.map((record) => `${lineOf('log', 0, present(record, corrected))}\n`).join(''))
        log.append([
          {
            partition,
            count: chunk.length,
            time: 1_700_000_000_000,
            ids: chunk.map(({ id }) => id!),
            keys: undefined,
            headers: undefined,
            body,
            ends: undefined,
          },
        ])
      }
    }
  } finally {
    log.close()
  }
}

/** Rewrites every chunk of the log. */
function correctLog(root: string, source: Source, corrected: ReadonlySet<string>): void {
  const db = new DatabaseSync(join(root, inputFolder, `${placeOf(source)}.db`))
  try {
    const put = db.prepare('UPDATE chunk SET body = ?, zstd = 0 WHERE partition = ? AND base = ?')
    for (const row of db.prepare('SELECT partition, base, count FROM chunk').all()) {
      const [partition, base, count] = [Number(row['partition']), Number(row['base']), Number(row['count'])]
      const records = source.splits[partition]!.records.slice(base, base + count)
      const body = records.map((record) => `${lineOf('log', 0, present(record, corrected))}\n`).join('')
      put.run(Buffer.from(body), partition, base)
    }
  } finally {
    db.close()
  }
}
