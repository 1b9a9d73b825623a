/**
 * The state of one pipeline: `<home>/<pipeline>[.i-n]/lock.db` and `state.db`.
 *
 * `save` writes positions, state, sink resumes, stages and source memory of one cut in ONE transaction with synchronous=FULL (invariant 2); that one
 * transaction is what makes a restart right.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { SavedMemory } from './connector.ts'
import type { Json } from './record.ts'
import { closeAll, held, holderOf, takeLock } from './store/lock.ts'
import { overviewOf, reading } from './store/reading.ts'
import type { Content, Overview, Save, SavedRun, SavedStage } from './store/saved.ts'
import { writing } from './store/writing.ts'

export type * from './store/saved.ts'

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
  saved(step: string): SavedMemory
  recallAll(source: string, prefix: string): Iterable<readonly [key: string, value: Json]>
  /** A random value of this start of the process. */
  readonly start: string
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

/** The state folder's name of a pipeline's instance. */
export const stateFolder = (
  home: string,
  pipeline: string,
  instance: { readonly i: number; readonly n: number } = { i: 0, n: 1 },
): string => join(home, instance.n > 1 ? `${pipeline}.${instance.i}-${instance.n}` : pipeline)

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
  return {
    ...reading(db, folder),
    ...writing(db),
    start: randomBytes(8).toString('hex'),
    overview: () => overviewOf(db),
    close: () => closeAll([db, lock]),
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
  return {
    ...reading(db, folder),
    holder: () => holderOf(folder),
    overview: () => overviewOf(db),
    close: () => closeAll([db]),
  }
}
