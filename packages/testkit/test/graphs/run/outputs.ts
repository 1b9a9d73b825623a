/** Reads what the sinks of a case hold, as plain values; bytes become base64. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { zstdDecompressSync } from 'node:zlib'
import { openLog } from '@millrace/client-log'
import type { Case } from '../case.ts'
import { lettersCollection, lettersFolder, logFolder, placeOf, storeFile } from '../project/spec.ts'

export type Row = Readonly<Record<string, unknown>>

/** A dead letter. */
export interface Letter {
  readonly id: string
  readonly path: string | null
  readonly step: string
  readonly code: string
  readonly form: 'raw' | 'row'
  /** Its decoded bytes. */
  readonly text: string
}

export interface Outputs {
  /** Rows or documents by sink. */
  readonly rows: ReadonlyMap<string, readonly Row[]>
  /** The keys of the documents in `rows`. */
  readonly keys: ReadonlyMap<string, readonly string[]>
  readonly letters: readonly Letter[]
  /** Hidden files: those being written, and what was left behind. */
  readonly hidden: readonly string[]
}

/** The files that file sinks write. */
export interface Reader {
  /** Paths of all files below a folder, including hidden ones, sorted. */
  files(folder: string): readonly string[]
  read(path: string): Buffer
}

/** Published files that their readers moved away: path to bytes. */
export type MovedFiles = Map<string, Buffer>

export async function outputsOf(root: string, graph: Case, reader: Reader, moved: MovedFiles): Promise<Outputs> {
  const rows = new Map<string, readonly Row[]>()
  const keys = new Map<string, readonly string[]>()
  const hidden: string[] = []
  const path = join(root, storeFile)
  const db = existsSync(path) ? new DatabaseSync(path, { readOnly: true }) : undefined
  const filesOf = async (folder: string): Promise<Row[]> => {
    const found = reader.files(join(root, folder))
    // A mark says what was published last, so that a file that its readers took away is not published again.
    hidden.push(...found.filter((path) => isHidden(path) && !path.includes('/published-')))
    const shown = [...moved.keys()].filter((name) => name.startsWith(join(root, folder)))
    const visible = [...new Set([...shown, ...found.filter((name) => !isHidden(name))])].sort()
    const all: Row[] = []
    for (const name of visible) {
      // A name that is published again after its file was moved away.
      if (moved.has(name) && found.includes(name)) all.push({ publishedTwice: name })
      all.push(...(await rowsIn(name, moved.get(name) ?? reader.read(name))))
    }
    return all
  }
  try {
    for (const sink of graph.sinks) {
      const place = placeOf(sink)
      if (sink.kind === 'files') rows.set(sink.id, await filesOf(`out/${place}/`))
      else if (sink.kind === 'log') rows.set(sink.id, logRows(root, place))
      else if (sink.kind === 'table') rows.set(sink.id, tableRows(db, place))
      else {
        const documents = collection(db, place)
        keys.set(
          sink.id,
          documents.map(({ key }) => key),
        )
        rows.set(
          sink.id,
          documents.map(({ doc }) => doc),
        )
      }
    }
    const letters =
      graph.deadLetter === 'sqlite'
        ? collection(db, lettersCollection).map(({ doc }) => doc)
        : graph.deadLetter === 'files'
          ? await filesOf(lettersFolder)
          : []
    return { rows, keys, letters: letters.map(letterOf), hidden }
  } finally {
    db?.close()
  }
}

const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.') && part !== '.')

const letterOf = (row: Row): Letter => ({
  id: String(row['id']),
  path: (row['path'] as string | null) ?? null,
  step: String(row['step']),
  code: String(row['code']),
  form: row['form'] as Letter['form'],
  text: Buffer.from(String(row['bytes']), 'base64').toString(),
})

const hasTable = (db: DatabaseSync, name: string): boolean =>
  db.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?`).get(name) !== undefined

function collection(db: DatabaseSync | undefined, name: string): { key: string; doc: Row }[] {
  if (!db || !hasTable(db, name)) return []
  const all = db.prepare(`SELECT id, doc FROM "${name}" ORDER BY rowid`).all()
  return all.map((row) => ({ key: String(row['id']), doc: JSON.parse(String(row['doc'])) as Row }))
}

const plain = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? Buffer.from(value).toString('base64')
    : typeof value === 'bigint'
      ? Number(value)
      : value instanceof Date
        ? value.toISOString()
        : value

const plainRow = (row: object): Row =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]))

function tableRows(db: DatabaseSync | undefined, name: string): Row[] {
  if (!db || !hasTable(db, name)) return []
  return db.prepare(`SELECT * FROM "${name}" ORDER BY rowid`).all().map(plainRow)
}

function logRows(root: string, stream: string): Row[] {
  const log = openLog(join(root, logFolder, `${stream}.db`))
  if (!log) return []
  try {
    return Array.from({ length: log.partitions }, (_, p) => log.read(p, 0, Number.POSITIVE_INFINITY)).flatMap(
      (chunks) => chunks.flatMap(({ body }) => jsonLines(Buffer.from(body))),
    )
  } finally {
    log.close()
  }
}

/** Throws for an incomplete line. */
const jsonLines = (bytes: Buffer): Row[] =>
  bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)

async function rowsIn(name: string, bytes: Buffer): Promise<Row[]> {
  if (name.endsWith('.jsonl')) return jsonLines(bytes)
  if (name.endsWith('.json')) return JSON.parse(bytes.toString()) as Row[]
  const { parquetReadObjects } = await import('hyparquet')
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  const compressors = { ZSTD: (packed: Uint8Array) => new Uint8Array(zstdDecompressSync(packed)) }
  return (await parquetReadObjects({ file, compressors, utf8: false })).map(plainRow)
}
