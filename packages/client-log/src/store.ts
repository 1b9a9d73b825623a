/**
 * The embedded log: a named stream with partitions, durable, readable while another process writes. One SQLite file per
 * stream.
 *
 * A row of the file is a chunk: the records of one write to one partition, with the sequence number of the first. The
 * values are in one blob, as they were encoded, so that appending costs little more than writing the bytes, and a
 * transaction makes them durable and visible together: there is no torn tail to repair. A reader keeps no transaction
 * open between reads. Segment files with their own fsync would avoid the second copy in the write-ahead log, but would
 * need their own recovery and locking.
 *
 * Decision: docs/decisions/20261121-embedded-log-in-sqlite.md
 *
 * One file, since readers and the writer share the layout of a chunk.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { zstdDecompressSync } from 'node:zlib'
import { busyMs, type Headers, isBusy, SystemError, type WireText } from '@millrace/core'
import { quickZstd } from '@millrace/formats'
import { headersText, headersFromText, keysFromText, keysText } from './beside.ts'

/** Records of one write to one partition. `base`: the sequence number of the first. */
export interface Chunk {
  readonly partition: number
  readonly base: number
  readonly count: number
  /** When it was written, ms UTC. */
  readonly time: number
  readonly ids: readonly string[]
  readonly keys: readonly (WireText | null)[] | undefined
  readonly headers: readonly (Headers | null)[] | undefined
  /** Records without a value, which is not the same as one of no bytes. */
  readonly nulls?: ReadonlySet<number> | undefined
  /** Values one after the other; `ends[i]`: where value i ends; absent: each ends with a line feed. */
  readonly body: Uint8Array
  readonly ends: Int32Array | undefined
}

/** A chunk to write: its ids may be given as a common prefix and a suffix for each. */
export interface NewChunk extends Omit<Chunk, 'base' | 'ids'> {
  readonly ids: readonly string[] | { readonly common: string; readonly rests: readonly (string | number)[] }
}

/** An embedded log: named streams with partitions. */
export interface Log {
  /** Distinguishes this log from one that was recreated under the same name. */
  readonly id: string
  readonly partitions: number
  /**
   * Appends chunks in one durable transaction, which assigns their bases. Throws `SystemError`; `log_busy` immediately.
   */
  append(
    chunks: readonly NewChunk[],
    limits?: { readonly maxAgeMs?: number | undefined; readonly maxBytes?: number | undefined },
  ): void
  /** Chunks of a partition from the one with `from` on, up to about `maxBytes`. */
  read(partition: number, from: number, maxBytes: number): Chunk[]
  /** The first sequence number that still exists, and the next to be written. */
  range(partition: number): { readonly first: number; readonly next: number }
  /** The first sequence number that was written at this time or later, ms UTC; undefined: none was. */
  from(partition: number, timeMs: number): number | undefined
  /** Whether its path still leads to this file: a removed or replaced one gets no more records. */
  isInPlace(): boolean
  close(): void
}

/** The format of the file, in its `user_version`. Incremented when it changes. */
const formatVersion = 2
const schema = `PRAGMA user_version = ${formatVersion};
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunk (partition INTEGER NOT NULL, base INTEGER NOT NULL, count INTEGER NOT NULL, time INTEGER NOT NULL,
  ids NOT NULL, keys TEXT, headers TEXT, nulls TEXT, zstd INTEGER NOT NULL, body BLOB NOT NULL, ends BLOB, UNIQUE (partition, base));
CREATE TABLE next (partition INTEGER PRIMARY KEY, value INTEGER NOT NULL);`

/**
 * Opens a stream's log for reading; with `create`, which sets the number of partitions of a new one, also for writing.
 * Undefined: it does not exist yet. Throws `SystemError`; `log_busy` immediately.
 */
export function openLog(path: string, create?: { readonly partitions: number }): Log | undefined {
  if (!create && !existsSync(path)) return undefined
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(path, { timeout: create ? busyMs : 10_000 })
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    const isEmpty = () => db.prepare('SELECT 1 FROM sqlite_master').get() === undefined
    if (create) {
      db.exec('BEGIN IMMEDIATE')
      if (isEmpty()) {
        db.exec(schema)
        db.prepare(`INSERT INTO meta VALUES ('id', ?), ('partitions', ?)`).run(randomUUID(), String(create.partitions))
      }
      db.exec('COMMIT')
    } else if (isEmpty()) {
      // Its writer has only just started.
      db.close()
      return undefined
    }
    if (db.prepare('PRAGMA user_version').get()!['user_version'] !== formatVersion)
      throw new Error('it was made by another version of Millrace, or by another program')
    const { dev, ino } = statSync(path)
    const meta = (key: string) => db.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.['value'] as string
    return {
      id: meta('id'),
      partitions: Number(meta('partitions')),
      ...reading(db),
      ...writing(db, path),
      isInPlace() {
        const now = statSync(path, { throwIfNoEntry: false })
        return now?.ino === ino && now.dev === dev
      },
      close: () => db.close(),
    }
  } catch (cause) {
    db.close()
    if (isBusy(cause)) throw busy(path, cause)
    throw new SystemError('log_unreadable', `the log ${path} cannot be opened: ${(cause as Error).message}`, {
      hint: 'is it a file of another version or program, or damaged? Move it away and run again',
      cause,
    })
  }
}

const busy = (path: string, cause: unknown): SystemError =>
  new SystemError('log_busy', `the log ${path} is locked: ${(cause as Error).message}`, {
    retry: true,
    hint: 'end the process that holds it, such as a shell with an open transaction or a backup',
    cause,
  })

/** A description of a stream; undefined: it does not exist. */
export function describeLog(path: string): string | undefined {
  const log = openLog(path)
  if (!log) return undefined
  try {
    const records = Array.from({ length: log.partitions }, (_, p) => log.range(p)).reduce(
      (sum, { first, next }) => sum + next - first,
      0,
    )
    return `${records} records in ${log.partitions} partition${log.partitions === 1 ? '' : 's'}`
  } finally {
    log.close()
  }
}

type Value = string | number | bigint | Uint8Array | null

function reading(db: DatabaseSync): Pick<Log, 'read' | 'range' | 'from'> {
  const select = db.prepare(
    'SELECT * FROM chunk WHERE partition = ? AND base >= coalesce((SELECT max(base) FROM chunk WHERE partition = ? AND base <= ?), 0) ORDER BY base',
  )
  const first = db.prepare('SELECT min(base) AS n FROM chunk WHERE partition = ?')
  const next = db.prepare('SELECT value FROM next WHERE partition = ?')
  const since = db.prepare('SELECT min(base) AS n FROM chunk WHERE partition = ? AND time >= ?')
  return {
    from(partition, timeMs) {
      const base = since.get(partition, timeMs)?.['n'] ?? null
      return base === null ? undefined : Number(base)
    },
    read(partition, from, maxBytes) {
      const chunks: Chunk[] = []
      let bytes = 0
      for (const row of select.iterate(partition, partition, from) as Iterable<Record<string, Value>>) {
        const count = Number(row['count'])
        if (Number(row['base']) + count <= from) continue
        chunks.push(chunkOf(row))
        bytes += chunks.at(-1)!.body.length
        if (bytes >= maxBytes) break
      }
      return chunks
    },
    range(partition) {
      const end = Number(next.get(partition)?.['value'] ?? 0)
      return { first: Number(first.get(partition)?.['n'] ?? end), next: end }
    },
  }
}

function chunkOf(row: Record<string, Value>): Chunk {
  const read = <T>(column: string, parse: (text: string) => T): T | undefined =>
    typeof row[column] === 'string' ? parse(row[column]) : undefined
  const ends = row['ends'] as Uint8Array | null
  return {
    partition: Number(row['partition']),
    base: Number(row['base']),
    count: Number(row['count']),
    time: Number(row['time']),
    ids: idsOf(row['ids'] as string | Uint8Array),
    keys: read('keys', keysFromText),
    headers: read('headers', headersFromText),
    nulls: read('nulls', (text) => new Set(JSON.parse(text) as number[])),
    body: row['zstd'] ? zstdDecompressSync(row['body'] as Uint8Array) : (row['body'] as Uint8Array),
    ends: ends ? new Int32Array(ends.slice().buffer) : undefined,
  }
}

/** The write-ahead log is truncated when it has grown by this much: a busy reader must not let it grow forever. */
const truncateEvery = 64 << 20

function writing(db: DatabaseSync, path: string): Pick<Log, 'append'> {
  let sinceTruncate = 0
  const sql = () => ({
    next: db.prepare('SELECT value FROM next WHERE partition = ?'),
    advance: db.prepare('INSERT OR REPLACE INTO next VALUES (?, ?)'),
    insert: db.prepare(
      'INSERT INTO chunk (partition, base, count, time, ids, keys, headers, nulls, zstd, body, ends) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    expire: db.prepare('DELETE FROM chunk WHERE time < ?'),
    size: db.prepare('SELECT sum(length(body)) AS n FROM chunk'),
    oldest: db.prepare('DELETE FROM chunk WHERE rowid = (SELECT min(rowid) FROM chunk)'),
  })
  let prepared: ReturnType<typeof sql> | undefined
  return {
    append(chunks, limits) {
      const { next, advance, insert, expire, size, oldest } = (prepared ??= sql())
      try {
        db.exec('BEGIN IMMEDIATE')
        for (const c of chunks.flatMap(divided)) {
          const [body, compressed] = packed(c.body)
          const base = Number(next.get(c.partition)?.['value'] ?? 0)
          insert.run(
            c.partition,
            base,
            c.count,
            c.time,
            packedIds(c.ids),
            c.keys ? keysText(c.keys) : null,
            c.headers ? headersText(c.headers) : null,
            c.nulls?.size ? JSON.stringify([...c.nulls]) : null,
            compressed ? 1 : 0,
            body,
            c.ends ? new Uint8Array(c.ends.buffer, c.ends.byteOffset, c.ends.byteLength) : null,
          )
          advance.run(c.partition, base + c.count)
          sinceTruncate += body.length
        }
        if (limits?.maxAgeMs !== undefined) expire.run(Date.now() - limits.maxAgeMs)
        if (limits?.maxBytes !== undefined) while (Number(size.get()?.['n'] ?? 0) > limits.maxBytes) oldest.run()
        db.exec('COMMIT')
      } catch (cause) {
        if (db.isTransaction) db.exec('ROLLBACK')
        if (isBusy(cause)) throw busy(path, cause)
        throw new SystemError('log_unwritable', `the log ${path} could not be written: ${(cause as Error).message}`, {
          hint: 'free disk space or fix permissions, then run again',
          cause,
        })
      }
      if (sinceTruncate > truncateEvery) {
        sinceTruncate = 0
        try {
          db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
        } catch {
          // The records are durable all the same; the next write may truncate it.
        }
      }
    },
  }
}

/** A chunk is read as a whole: larger ones are divided, so that large records do not fill a reader's memory. */
const chunkBytes = 1 << 20

/** A chunk in pieces of about `chunkBytes`, of at least one record. */
function divided(chunk: NewChunk): NewChunk[] {
  const { count, body, ends } = chunk
  if (body.length <= chunkBytes || count === 1) return [chunk]
  const pieces: NewChunk[] = []
  for (let first = 0, start = 0; first < count; ) {
    let next = first
    let end = start
    do end = ends ? ends[next]! : body.indexOf(10, end) + 1
    while (++next < count && end - start < chunkBytes)
    pieces.push({
      partition: chunk.partition,
      time: chunk.time,
      count: next - first,
      ids:
        'common' in chunk.ids
          ? { common: chunk.ids.common, rests: chunk.ids.rests.slice(first, next) }
          : chunk.ids.slice(first, next),
      keys: chunk.keys?.slice(first, next),
      headers: chunk.headers?.slice(first, next),
      nulls: chunk.nulls && new Set([...chunk.nulls].filter((i) => i >= first && i < next).map((i) => i - first)),
      body: body.subarray(start, end),
      ends: ends?.slice(first, next).map((at) => at - start),
    })
    first = next
    start = end
  }
  return pieces
}

/**
 * From this size on, data is compressed: writing fewer bytes twice (to the write-ahead log and from there) saves more
 * than compression costs.
 */
const compressFrom = 1024

function packed(bytes: Uint8Array): readonly [bytes: Uint8Array, compressed: boolean] {
  if (bytes.length < compressFrom) return [bytes, false]
  const compressed = quickZstd(bytes)
  return compressed.length < bytes.length ? [compressed, true] : [bytes, false]
}

/** Ids as JSON, compressed if long; those of one split (`pipeline/source/split@position`) share a prefix. */
function packedIds(ids: NewChunk['ids']): string | Uint8Array {
  if (!('common' in ids)) {
    const text = JSON.stringify(ids)
    const [bytes, compressed] = packed(Buffer.from(text))
    return compressed ? bytes : text
  }
  const { common, rests } = ids
  if (rests.some((rest) => typeof rest === 'string' && rest.includes(',')))
    return packedIds(rests.map((rest) => common + rest))
  return JSON.stringify({ common, rests: rests.join() })
}

function idsOf(stored: string | Uint8Array): readonly string[] {
  const text = typeof stored === 'string' ? stored : zstdDecompressSync(stored).toString()
  const ids = JSON.parse(text) as readonly string[] | { readonly common: string; readonly rests: string }
  return 'common' in ids ? ids.rests.split(',').map((rest) => ids.common + rest) : ids
}
