/**
 * The bytes of a case's input. A line is as long for a bad record as for the good one in its place, so that a file can
 * be mended without moving what follows.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openLog } from '@millrace/formats'
import { type Case, type InputRecord, mended, type Source, type Split } from '../case.ts'
import { inputFolder, placeOf, sideFile } from './spec.ts'

const columns = ['n', 'u', 'k', 'q', 'd', 'c', 't', 'b'] as const
const header = `${columns.join()},pad\n`

function jsonOf({ torn, n, u, k, q, d, c, t, b }: InputRecord): string {
  const text = JSON.stringify({ n, u, k, q, d, c, t, b })
  return torn ? `${text.slice(0, -1)}]` : text
}

const csvOf = (record: InputRecord): string =>
  `${columns
    .map((name) => (name === 'q' && record.torn ? 'x'.repeat(String(record.q).length) : (record[name] ?? '')))
    .join()},`

/** A record's line. `pad`: bytes that fill it up, beyond what the good record takes. */
export function lineOf(kind: Source['kind'], pad: number, record: InputRecord): string {
  const write = kind === 'csv' ? csvOf : jsonOf
  const longest = Math.max(write(record).length, write(mended(record)).length)
  const text = write(record)
  if (kind === 'log') return text
  return kind === 'csv' ? `${text.padEnd(longest + pad, 'p')}\n` : `${text.padEnd(longest + pad)}\n`
}

/** Where each record of a split begins: bytes of a file, records of a log. */
export function offsetsOf({ kind, pad }: Source, { records }: Split): number[] {
  let at = kind === 'csv' ? header.length : 0
  return records.map((record, index) => {
    if (kind === 'log') return index
    const start = at
    at += lineOf(kind, pad, record).length
    return start
  })
}

/** Puts what is there in round 0, or adds what comes in round 1; `corrected`: records that were mended, by `u`. */
export function writeInput(root: string, graph: Case, round: 0 | 1, corrected: ReadonlySet<string> = new Set()): void {
  if (round === 0)
    writeFileSync(join(root, sideFile), `k,label\n${graph.side.map(({ k, name }) => `${k},${name}\n`).join('')}`)
  for (const source of graph.sources) {
    if (source.kind === 'log') appendLog(root, source, round, corrected)
    else for (const split of source.splits) writeFileOf(root, source, split, round, corrected)
  }
}

/** Puts good records in the place of bad ones. */
export function mendInput(root: string, graph: Case, round: 0 | 1, corrected: ReadonlySet<string>): void {
  for (const source of graph.sources) {
    if (source.kind === 'log') mendLog(root, source, corrected)
    else for (const split of source.splits) writeFileOf(root, source, split, round, corrected)
  }
}

const present = (record: InputRecord, corrected: ReadonlySet<string>): InputRecord =>
  corrected.has(record.u) ? mended(record) : record

/** The line of the record as it now is, in the room of the one that it was. */
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

/** Rewrites the records of each chunk as they now are. */
function mendLog(root: string, source: Source, corrected: ReadonlySet<string>): void {
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
