/**
 * The runs of a served project: `.serve/runs.db` in the folder with the states. A run is written down before it is
 * started, in the transaction that moves on what its schedule has been looked at for, so that whenever `serve` is
 * killed, a run that was due is found again, and none is found twice. Other processes read it while `serve` writes.
 */
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { PlanSchedule, SharedRun } from '@millrace/core'
import {
  type Cause,
  type Ended,
  type Follower,
  type NewRun,
  openStates,
  type Run,
  type RunCounts,
  type RunState,
  type Why,
} from './run.ts'

/** The files of a pipeline as they were accepted, by absolute path; null: there is no such file. */
export type Texts = ReadonlyMap<string, string | null>

/** A spec, or an edit of one, that is not in effect. */
export interface Refused {
  /** The pipeline's name, or the file of a spec that was never accepted, relative to the project. */
  readonly spec: string
  readonly reason: string
  /** It is served as it was before. */
  readonly served: boolean
}

/** How many ended runs are kept for each pipeline. */
export const keptRuns = 100

const tables = `
CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY AUTOINCREMENT, pipeline TEXT NOT NULL, cause TEXT NOT NULL, due INTEGER NOT NULL,
  request TEXT UNIQUE, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0, next INTEGER,
  started INTEGER, ended INTEGER, incarnation TEXT, code TEXT, message TEXT, counts TEXT);
CREATE INDEX IF NOT EXISTS run_of ON run (pipeline, id);
CREATE UNIQUE INDEX IF NOT EXISTS run_due ON run (pipeline, due) WHERE cause = 'schedule';
CREATE TABLE IF NOT EXISTS looked (pipeline TEXT PRIMARY KEY, start TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS followed (pipeline TEXT, upstream TEXT, run INTEGER NOT NULL, PRIMARY KEY (pipeline, upstream)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accepted (pipeline TEXT PRIMARY KEY, file TEXT NOT NULL, texts TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (spec TEXT PRIMARY KEY, reason TEXT NOT NULL, served INTEGER NOT NULL) WITHOUT ROWID;`

/** The folder of `serve` among the states of a profile; no pipeline can have this name. */
export const serveFolder = (stateHome: string): string => join(stateHome, '.serve')

const fileIn = (stateHome: string): string => join(serveFolder(stateHome), 'runs.db')

type SqlRow = Record<string, unknown>
const orNull = (value: unknown) => (value === null ? null : Number(value))
const json = <T>(value: unknown): T | null => (value === null ? null : (JSON.parse(value as string) as T))

const runOf = (row: SqlRow): Run => ({
  id: Number(row['id']),
  pipeline: String(row['pipeline']),
  cause: row['cause'] as Cause,
  dueMs: Number(row['due']),
  state: row['state'] as RunState,
  attempts: Number(row['attempts']),
  crashes: Number(row['crashes']),
  nextMs: orNull(row['next']),
  startedMs: orNull(row['started']),
  endedMs: orNull(row['ended']),
  incarnation: json<SharedRun>(row['incarnation']),
  code: row['code'] as string | null,
  message: row['message'] as string | null,
  counts: json<RunCounts>(row['counts']),
})

/** Queries of the runs. */
function reader(db: DatabaseSync) {
  return {
    /** The last runs, newest first. */
    list: ({ pipeline, limit }: { readonly pipeline?: string | undefined; readonly limit: number }): Run[] =>
      db
        .prepare('SELECT * FROM run WHERE ? IS NULL OR pipeline = ? ORDER BY id DESC LIMIT ?')
        .all(pipeline ?? null, pipeline ?? null, limit)
        .map(runOf),
    get(id: number): Run | undefined {
      const row = db.prepare('SELECT * FROM run WHERE id = ?').get(id)
      return row && runOf(row)
    },
    /** The pipelines that are served, or were last. */
    names: (): string[] =>
      db
        .prepare('SELECT pipeline FROM accepted ORDER BY pipeline')
        .all()
        .map((row) => String(row['pipeline'])),
    /** Specs and edits that are not in effect. */
    refused: (): Refused[] =>
      db
        .prepare('SELECT * FROM refused ORDER BY spec')
        .all()
        .map((row) => ({ spec: String(row['spec']), reason: String(row['reason']), served: row['served'] === 1 })),
    close: () => db.close(),
  }
}

/** The runs, read by a process that does not serve; undefined: the project was never served. */
export function readLedger(stateHome: string): ReturnType<typeof reader> | undefined {
  const path = fileIn(stateHome)
  return existsSync(path) ? reader(new DatabaseSync(path, { timeout: 10_000 })) : undefined
}

/** The runs, written by the process that serves. */
export type Ledger = ReturnType<typeof openLedger>

/** Opens the runs of the states in a folder, of which the last `kept` stay. The caller holds `serveFolder`. */
export function openLedger(stateHome: string, kept = keptRuns) {
  const path = fileIn(stateHome)
  mkdirSync(serveFolder(stateHome), { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(path, { timeout: 10_000 })
  chmodSync(path, 0o600)
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${tables}`)
  const open = openStates.map((state) => `'${state}'`).join(', ')
  const sql = {
    insert: db.prepare(
      'INSERT OR IGNORE INTO run (pipeline, cause, due, state, request, started, ended) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    openOf: db.prepare(`SELECT * FROM run WHERE pipeline = ? AND state IN (${open}) ORDER BY id`),
    looked: db.prepare('SELECT start, until FROM looked WHERE pipeline = ?'),
    look: db.prepare('INSERT OR REPLACE INTO looked VALUES (?, ?, ?)'),
    followed: db.prepare('SELECT run FROM followed WHERE pipeline = ? AND upstream = ?'),
    follow: db.prepare('INSERT OR REPLACE INTO followed VALUES (?, ?, ?)'),
    lastSuccess: db.prepare("SELECT max(id) AS id FROM run WHERE pipeline = ? AND state = 'succeeded'"),
    lastId: db.prepare('SELECT max(id) AS id FROM run WHERE pipeline = ?'),
  }
  const atOnce = <T>(body: () => T): T => {
    db.exec('BEGIN IMMEDIATE')
    try {
      const result = body()
      db.exec('COMMIT')
      return result
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }
  const add = ({ pipeline, cause, dueMs, state, request }: NewRun, nowMs: number) =>
    sql.insert.run(
      pipeline,
      cause,
      dueMs,
      state,
      request ?? null,
      state === 'running' ? nowMs : null,
      state === 'skipped' ? nowMs : null,
    )
  const lastSuccess = (pipeline: string) => Number(sql.lastSuccess.get(pipeline)?.['id'] ?? 0)

  return {
    ...reader(db),
    /** The runs of a pipeline that are not over, oldest first. */
    openOf: (pipeline: string): Run[] => sql.openOf.all(pipeline).map(runOf),
    /** The runs that a killed `serve` left behind go on when their turn comes. */
    interruptAll: () => db.exec("UPDATE run SET state = 'interrupted' WHERE state = 'running' AND cause <> 'stream'"),
    /** What stays up was ended with its `serve`. */
    endStreams: (nowMs: number) =>
      void db
        .prepare(
          "UPDATE run SET state = 'failed', code = 'serve_killed', message = 'serve was killed', ended = ? WHERE state = 'running' AND cause = 'stream'",
        )
        .run(nowMs),

    /** Until when a schedule has been looked at; a schedule that is new or changed begins now. */
    lookedUntil(pipeline: string, start: PlanSchedule['start'], nowMs: number): number {
      const text = JSON.stringify(start)
      const row = sql.looked.get(pipeline)
      if (row?.['start'] === text) return Number(row['until'])
      sql.look.run(pipeline, text, nowMs)
      return nowMs
    },
    /** Writes down what was found due until then. */
    found(
      pipeline: string,
      start: PlanSchedule['start'],
      untilMs: number,
      runs: readonly NewRun[],
      nowMs: number,
    ): void {
      atOnce(() => {
        for (const run of runs) add(run, nowMs)
        sql.look.run(pipeline, JSON.stringify(start), untilMs)
      })
    },
    /** Writes down a run; returns its id. */
    begin(run: NewRun, nowMs: number): number {
      const { changes, lastInsertRowid } = add(run, nowMs)
      return changes === 0 ? 0 : Number(lastInsertRowid)
    },
    started: (id: number, attempts: number, nowMs: number) =>
      void db
        .prepare(
          "UPDATE run SET state = 'running', attempts = ?, next = NULL, code = NULL, message = NULL, started = coalesce(started, ?) WHERE id = ?",
        )
        .run(attempts, nowMs, id),
    incarnate: (id: number, incarnation: SharedRun) =>
      void db.prepare('UPDATE run SET incarnation = ? WHERE id = ?').run(JSON.stringify(incarnation), id),
    interrupted: (id: number) => void db.prepare("UPDATE run SET state = 'interrupted' WHERE id = ?").run(id),
    retry: (id: number, nextMs: number, attempts: number, crashes: number, why: Why) =>
      void db
        .prepare(
          "UPDATE run SET state = 'retrying', next = ?, attempts = ?, crashes = ?, code = ?, message = ? WHERE id = ?",
        )
        .run(nextMs, attempts, crashes, why.code, why.message, id),
    /** Ends a run; what `followers` run after it is due with that. */
    ended(id: number, how: Ended, nowMs: number, followers: readonly Follower[] = []): void {
      atOnce(() => {
        db.prepare(
          'UPDATE run SET state = ?, ended = ?, next = NULL, code = ?, message = ?, counts = ? WHERE id = ?',
        ).run(
          how.state,
          nowMs,
          how.why?.code ?? null,
          how.why?.message ?? null,
          how.counts ? JSON.stringify(how.counts) : null,
          id,
        )
        for (const { pipeline, after, overlap } of followers) {
          const seen = (upstream: string) => Number(sql.followed.get(pipeline, upstream)?.['run'] ?? 0)
          if (!after.every((upstream) => lastSuccess(upstream) > seen(upstream))) continue
          for (const upstream of after) sql.follow.run(pipeline, upstream, lastSuccess(upstream))
          const isBusy = sql.openOf.get(pipeline) !== undefined
          add(
            { pipeline, cause: 'after', dueMs: nowMs, state: isBusy && overlap === 'skip' ? 'skipped' : 'waiting' },
            nowMs,
          )
        }
      })
    },
    /** A pipeline that begins to follow others takes no notice of what they did before. */
    followFromNow(pipeline: string, after: readonly string[]): void {
      for (const upstream of after)
        if (!sql.followed.get(pipeline, upstream)) sql.follow.run(pipeline, upstream, lastSuccess(upstream))
    },
    /** Forgets runs that ended long ago; returns their ids. */
    trim(pipeline: string): number[] {
      const last = Number(sql.lastId.get(pipeline)?.['id'] ?? 0)
      return db
        .prepare(
          `DELETE FROM run WHERE pipeline = ? AND state NOT IN (${open}) AND id <> ? AND id NOT IN
             (SELECT id FROM run WHERE pipeline = ? ORDER BY id DESC LIMIT ${kept})
             AND id NOT IN (SELECT max(id) FROM run WHERE state = 'succeeded' GROUP BY pipeline) RETURNING id`,
        )
        .all(pipeline, last, pipeline)
        .map((row) => Number(row['id']))
    },
    accept: (pipeline: string, file: string, texts: Texts) =>
      void db
        .prepare('INSERT OR REPLACE INTO accepted (pipeline, file, texts) VALUES (?, ?, ?)')
        .run(pipeline, file, JSON.stringify([...texts])),
    /** All that are refused now. */
    refuse: (refused: readonly Refused[]) =>
      atOnce(() => {
        db.exec('DELETE FROM refused')
        const insert = db.prepare('INSERT INTO refused VALUES (?, ?, ?)')
        for (const { spec, reason, served } of refused) insert.run(spec, reason, served ? 1 : 0)
      }),
    forget: (pipeline: string) => void db.prepare('DELETE FROM accepted WHERE pipeline = ?').run(pipeline),
    accepted: (): { readonly pipeline: string; readonly file: string; readonly texts: Texts }[] =>
      db
        .prepare('SELECT * FROM accepted')
        .all()
        .map((row) => ({
          pipeline: String(row['pipeline']),
          file: String(row['file']),
          texts: new Map(JSON.parse(row['texts'] as string) as [string, string | null][]),
        })),
  }
}
