/**
 * The state of one pipeline: `<home>/<pipeline>[.i-n]/lock.db` and `state.db`.
 *
 * `save` writes positions, state, sink resumes, stages and source memory of one cut in ONE transaction with synchronous=FULL (invariant 2); that one
 * transaction is what makes a restart right. `lock.db` holds a committed row that names the holder, and a write transaction that is open for the life of
 * the process (invariant 10): a second process is refused and can read who holds it. The lock file is never opened by other means in this process:
 * closing any descriptor of a file drops the POSIX locks the process has on it.
 */
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { MillraceError } from './errors.ts'
import type { Json } from './record.ts'
import { crashPoint } from './crash.ts'

/** A stage as saved: what `publish` gets, and where it belongs. */
export interface SavedStage {
  readonly id: number
  readonly sink: string
  readonly stage: Json
}

/** One incarnation: a run from beginning to end, over all crashes and restarts in between. */
export interface SavedRun {
  readonly incarnation: number
  readonly epoch: number
  readonly ended: boolean
  readonly specHash: string
}

/** What one epoch leaves, as of one cut. */
export interface Save {
  readonly epoch: number
  /** Per node, as of the cut. */
  readonly counters: Readonly<Record<string, Json>>
  readonly positions: readonly { readonly source: string; readonly split: string; readonly position: Json | undefined; readonly ended: boolean }[]
  readonly memory: readonly { readonly source: string; readonly key: string; readonly value: Json | null }[]
  readonly changes: readonly { readonly step: string; readonly hash: string; readonly entries: readonly (readonly [key: string, value: string | null])[] }[]
  readonly resumes: readonly { readonly sink: string; readonly resume: Json }[]
  readonly stages: readonly { readonly sink: string; readonly stage: Json }[]
  /** Stages published since the last save. */
  readonly published: readonly number[]
}

/** The state of one pipeline, held by this process. */
export interface Store {
  readonly folder: string
  run(): SavedRun | undefined
  /** Forgets positions, state and memory, and starts the next incarnation. */
  begin(specHash: string): SavedRun
  positions(source: string): Map<string, { readonly position: Json | undefined; readonly ended: boolean }>
  recall(source: string, key: string): Json | undefined
  /** Remembers something of a source beside any epoch. */
  remember(source: string, key: string, value: Json): void
  state(step: string): { readonly hash: string | undefined; readonly entries: Iterable<readonly [string, string]> }
  resume(sink: string): Json | undefined
  stages(): SavedStage[]
  /** The sinks that left something to resume. */
  resumes(): readonly string[]
  /** Returns the ids of the new stages, in their order. */
  save(save: Save): number[]
  counters(): Record<string, Json>
  /** Records stages as published, outside a save. */
  recordPublished(ids: readonly number[]): void
  /** The input has ended and everything of it is published: the next run is a new incarnation. */
  end(published: readonly number[]): void
  /** Which of these dead letters were replayed before with this spec. */
  replayed(id: string, step: string, specHash: string): boolean
  recordReplayed(entries: readonly { readonly id: string; readonly step: string }[], specHash: string): void
  /** What was replayed so far. */
  replays(): readonly { readonly id: string; readonly step: string; readonly specHash: string }[]
  /** The source memory of all sources. */
  memory(): Content['memory']
  overview(): Overview
  /** Puts a run that was saved elsewhere into a folder that has none. */
  fill(content: Content): void
  close(): void
}

const tables = `
CREATE TABLE IF NOT EXISTS run (incarnation INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, ended INTEGER NOT NULL, spec_hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counter (node TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS position (source TEXT, split TEXT, json TEXT, ended INTEGER NOT NULL, PRIMARY KEY (source, split)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memory (source TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (source, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS step (id TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (step TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (step, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sink (id TEXT PRIMARY KEY, resume TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stage (id INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS replayed (id TEXT, step TEXT, spec_hash TEXT, PRIMARY KEY (id, step, spec_hash)) WITHOUT ROWID;`

/** Connections live as long as they are listed here: one that the garbage collector closes would drop the lock. */
const held = new Set<DatabaseSync>()

/** All that is saved of one run, to be put into other folders. */
export interface Content {
  readonly run: SavedRun
  readonly positions: readonly { readonly source: string; readonly split: string; readonly position: Json | undefined; readonly ended: boolean }[]
  readonly memory: readonly { readonly source: string; readonly key: string; readonly value: Json }[]
  readonly counters: Readonly<Record<string, Json>>
}

/** The state folder's name of a pipeline's instance. */
export const stateFolder = (home: string, pipeline: string, instance: { readonly i: number; readonly n: number } = { i: 0, n: 1 }): string =>
  join(home, instance.n > 1 ? `${pipeline}.${instance.i}-${instance.n}` : pipeline)

/** Opens the state of a pipeline and takes its lock. Throws `locked` when another process has it. */
export function openStore(folder: string): Store {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = takeLock(folder)
  const path = join(folder, 'state.db')
  const fresh = !existsSync(path)
  const db = new DatabaseSync(path, { timeout: 10_000 })
  if (fresh) chmodSync(path, 0o600)
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE; ${tables}; COMMIT`)
  held.add(db)
  return { ...reading(db, folder), ...writing(db), overview: () => overviewOf(db), close: () => closeAll([db, lock]) }
}

/** What is saved, whatever the spec says now: for `pipe state show`. */
export interface Overview {
  readonly positions: readonly { readonly source: string; readonly split: string; readonly position: Json | undefined; readonly ended: boolean }[]
  readonly steps: readonly { readonly step: string; readonly entries: number }[]
}

function overviewOf(db: DatabaseSync): Overview {
  const positions = db.prepare('SELECT source, split, json, ended FROM position ORDER BY source, split').all()
  const steps = db.prepare('SELECT step, count(*) AS n FROM state GROUP BY step ORDER BY step').all()
  return {
    positions: positions.map((row) => ({
      source: String(row['source']),
      split: String(row['split']),
      position: parse(row['json']),
      ended: row['ended'] === 1,
    })),
    steps: steps.map((row) => ({ step: String(row['step']), entries: Number(row['n']) })),
  }
}

/** Opens the state for looking at it while another process may run; saves nothing. Undefined: there is none. */
export function readStore(folder: string):
  | (Pick<Store, 'folder' | 'run' | 'positions' | 'counters' | 'state' | 'resume' | 'stages' | 'recall' | 'close'> & {
      holder(): string | undefined
      overview(): Overview
    })
  | undefined {
  const path = join(folder, 'state.db')
  if (!existsSync(path)) return undefined
  const db = new DatabaseSync(path, { timeout: 10_000 })
  // A process that died at its very beginning leaves an empty file.
  if (!db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'run'").get()) {
    db.close()
    return undefined
  }
  return { ...reading(db, folder), holder: () => holderOf(folder), overview: () => overviewOf(db), close: () => closeAll([db]) }
}

function closeAll(connections: readonly DatabaseSync[]): void {
  for (const db of connections) {
    held.delete(db)
    db.close()
  }
}

const describeHolder = (row: Record<string, unknown> | undefined): string =>
  row ? `process ${row['pid']} on ${row['host']}, since ${row['since']}` : 'another process'

function takeLock(folder: string): DatabaseSync {
  const lock = new DatabaseSync(join(folder, 'lock.db'), { timeout: 0 })
  try {
    lock.exec('CREATE TABLE IF NOT EXISTS holder (id INTEGER PRIMARY KEY CHECK (id = 1), pid INTEGER, host TEXT, since TEXT)')
    lock.exec('BEGIN IMMEDIATE')
    const since = new Date().toISOString()
    lock.prepare('INSERT OR REPLACE INTO holder VALUES (1, ?, ?, ?)').run(process.pid, hostname(), since)
    lock.exec('COMMIT; BEGIN IMMEDIATE')
    // Between the two transactions another process may have come in: the row tells whose lock it is.
    const row = lock.prepare('SELECT * FROM holder').get()
    if (row?.['pid'] !== process.pid || row['since'] !== since) throw new Error('overtaken')
    held.add(lock)
    return lock
  } catch (cause) {
    let holder = 'another process'
    try {
      if (lock.isTransaction) lock.exec('ROLLBACK')
      holder = describeHolder(lock.prepare('SELECT * FROM holder').get())
    } catch {}
    lock.close()
    throw new MillraceError('locked', `this pipeline is already running: ${holder} holds ${folder}`, {
      hint: 'wait until it has ended, or stop it (SIGTERM drains); one state folder serves one process',
      exitCode: 3,
      cause,
    })
  }
}

/** Who holds the lock right now; undefined: nobody. Only for processes that do not hold it themselves. */
function holderOf(folder: string): string | undefined {
  const path = join(folder, 'lock.db')
  if (!existsSync(path)) return undefined
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    lock.exec('BEGIN IMMEDIATE; ROLLBACK')
    return undefined
  } catch {
    return describeHolder(lock.prepare('SELECT * FROM holder').get())
  } finally {
    lock.close()
  }
}

const parse = (text: unknown): Json | undefined => (text === null || text === undefined ? undefined : (JSON.parse(text as string) as Json))

function reading(db: DatabaseSync, folder: string) {
  let recalling: StatementSync | undefined
  return {
    folder,
    run(): SavedRun | undefined {
      const row = db.prepare('SELECT * FROM run ORDER BY incarnation DESC LIMIT 1').get()
      if (!row) return undefined
      return {
        incarnation: Number(row['incarnation']),
        epoch: Number(row['epoch']),
        ended: row['ended'] === 1,
        specHash: String(row['spec_hash']),
      }
    },
    positions(source: string) {
      const rows = db.prepare('SELECT split, json, ended FROM position WHERE source = ?').all(source)
      return new Map(rows.map((row) => [String(row['split']), { position: parse(row['json']), ended: row['ended'] === 1 }]))
    },
    recall: (source: string, key: string) => {
      recalling ??= db.prepare('SELECT value FROM memory WHERE source = ? AND key = ?')
      return parse(recalling.get(source, key)?.['value'])
    },
    state(step: string) {
      const hash = db.prepare('SELECT hash FROM step WHERE id = ?').get(step)?.['hash']
      return { hash: hash === undefined ? undefined : String(hash), entries: entriesOf(db, step) }
    },
    resume: (sink: string) => parse(db.prepare('SELECT resume FROM sink WHERE id = ?').get(sink)?.['resume']),
    resumes: (): string[] =>
      db
        .prepare('SELECT id FROM sink')
        .all()
        .map((row) => String(row['id'])),
    stages: (): SavedStage[] =>
      db
        .prepare('SELECT id, sink, json FROM stage ORDER BY id')
        .all()
        .map((row) => ({ id: Number(row['id']), sink: String(row['sink']), stage: parse(row['json'])! })),
    counters: (): Record<string, Json> =>
      Object.fromEntries(
        db
          .prepare('SELECT node, json FROM counter')
          .all()
          .map((row) => [String(row['node']), parse(row['json'])!]),
      ),
    memory: (): Content['memory'] =>
      db
        .prepare('SELECT source, key, value FROM memory')
        .all()
        .map((row) => ({ source: String(row['source']), key: String(row['key']), value: parse(row['value'])! })),
    replays: () =>
      db
        .prepare('SELECT id, step, spec_hash FROM replayed')
        .all()
        .map((row) => ({ id: String(row['id']), step: String(row['step']), specHash: String(row['spec_hash']) })),
    replayed: (id: string, step: string, specHash: string) =>
      db.prepare('SELECT 1 FROM replayed WHERE id = ? AND step = ? AND spec_hash = ?').get(id, step, specHash) !== undefined,
  }
}

function* entriesOf(db: DatabaseSync, step: string): Generator<readonly [string, string]> {
  for (const row of db.prepare('SELECT key, value FROM state WHERE step = ?').iterate(step)) yield [String(row['key']), String(row['value'])]
}

function writing(db: DatabaseSync) {
  const sql = {
    begin: db.prepare('INSERT INTO run VALUES (?, 0, 0, ?)'),
    epoch: db.prepare('UPDATE run SET epoch = max(epoch, ?) WHERE incarnation = (SELECT max(incarnation) FROM run)'),
    end: db.prepare('UPDATE run SET ended = 1 WHERE incarnation = (SELECT max(incarnation) FROM run)'),
    counter: db.prepare('INSERT OR REPLACE INTO counter VALUES (?, ?)'),
    position: db.prepare('INSERT OR REPLACE INTO position VALUES (?, ?, ?, ?)'),
    remember: db.prepare('INSERT OR REPLACE INTO memory VALUES (?, ?, ?)'),
    forget: db.prepare('DELETE FROM memory WHERE source = ? AND key = ?'),
    step: db.prepare('INSERT OR REPLACE INTO step VALUES (?, ?)'),
    put: db.prepare('INSERT OR REPLACE INTO state VALUES (?, ?, ?)'),
    drop: db.prepare('DELETE FROM state WHERE step = ? AND key = ?'),
    sink: db.prepare('INSERT OR REPLACE INTO sink VALUES (?, ?)'),
    stage: db.prepare('INSERT INTO stage (sink, json) VALUES (?, ?)'),
    published: db.prepare('DELETE FROM stage WHERE id = ?'),
    replayed: db.prepare('INSERT OR REPLACE INTO replayed VALUES (?, ?, ?)'),
  }
  const incarnation = (): number => Number(db.prepare('SELECT max(incarnation) AS n FROM run').get()?.['n'] ?? 0)
  const transaction = <T>(body: () => T): T => {
    db.exec('BEGIN IMMEDIATE')
    try {
      const result = body()
      db.exec('COMMIT')
      return result
    } catch (cause) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw new MillraceError('state_unwritable', `the state could not be saved: ${(cause as Error).message}`, {
        hint: 'free disk space or mend permissions of the state folder, then run again: nothing that was saved before is lost',
        cause,
      })
    }
  }
  return {
    begin: (specHash: string): SavedRun =>
      transaction(() => {
        const next = incarnation() + 1
        db.exec('DELETE FROM position; DELETE FROM memory; DELETE FROM step; DELETE FROM state; DELETE FROM sink; DELETE FROM counter')
        sql.begin.run(next, specHash)
        return { incarnation: next, epoch: 0, ended: false, specHash }
      }),
    save: (save: Save): number[] => {
      crashPoint('before_save')
      const ids = transaction(() => {
        for (const p of save.positions) sql.position.run(p.source, p.split, p.position === undefined ? null : JSON.stringify(p.position), p.ended ? 1 : 0)
        crashPoint('mid_save')
        for (const m of save.memory) m.value === null ? sql.forget.run(m.source, m.key) : sql.remember.run(m.source, m.key, JSON.stringify(m.value))
        for (const { step, hash, entries } of save.changes) {
          sql.step.run(step, hash)
          for (const [key, value] of entries) value === null ? sql.drop.run(step, key) : sql.put.run(step, key, value)
        }
        for (const r of save.resumes) sql.sink.run(r.sink, JSON.stringify(r.resume))
        for (const id of save.published) sql.published.run(id)
        const made = save.stages.map((s) => Number(sql.stage.run(s.sink, JSON.stringify(s.stage)).lastInsertRowid))
        for (const [node, count] of Object.entries(save.counters)) sql.counter.run(node, JSON.stringify(count))
        sql.epoch.run(save.epoch)
        return made
      })
      crashPoint('after_save')
      return ids
    },
    fill: ({ run, positions, memory, counters }: Content) =>
      transaction(() => {
        db.prepare('INSERT INTO run VALUES (?, ?, ?, ?)').run(run.incarnation, run.epoch, run.ended ? 1 : 0, run.specHash)
        for (const p of positions) sql.position.run(p.source, p.split, p.position === undefined ? null : JSON.stringify(p.position), p.ended ? 1 : 0)
        for (const m of memory) sql.remember.run(m.source, m.key, JSON.stringify(m.value))
        for (const [node, count] of Object.entries(counters)) sql.counter.run(node, JSON.stringify(count))
      }),
    remember: (source: string, key: string, value: Json) => transaction(() => void sql.remember.run(source, key, JSON.stringify(value))),
    recordPublished: (ids: readonly number[]) => {
      if (ids.length) transaction(() => ids.forEach((id) => sql.published.run(id)))
    },
    end: (published: readonly number[]) =>
      transaction(() => {
        for (const id of published) sql.published.run(id)
        sql.end.run()
      }),
    recordReplayed: (entries: readonly { readonly id: string; readonly step: string }[], specHash: string) =>
      transaction(() => entries.forEach((e) => sql.replayed.run(e.id, e.step, specHash))),
  }
}
