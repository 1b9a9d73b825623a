/**
 * Appends rows to a table, effectively-once by a load ledger, since no key identifies a repeated row.
 *
 * Rows of an epoch are staged in a table of the sink's own, next to the target. The flush returns the stage, which is
 * saved with the positions; publishing then moves the rows into the target and records the epoch in the ledger, in one
 * transaction. Publishing again finds the entry and does nothing (invariant 5). At a start, rows staged after the last
 * save are discarded: those records are read again, possibly as different ones (invariant 4). A load is identified by a
 * random id that is part of the saved state, so after a reset of the state no epoch is mistaken for an earlier one.
 * Rows become visible only after they were saved.
 *
 * Stages and ledger entries carry the start of the process that made them. If a saved state does not know the last
 * entry of its load, it is older than the table or belongs to another history, and its next epochs would count as
 * published already.
 *
 * Decision: docs/decisions/20261121-append-by-stage-and-ledger.md
 */
import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import {
  crashPoint,
  type Json,
  MillraceError,
  type OpenContext,
  type Sink,
  type SinkContext,
  SystemError,
  type WriteFailure,
} from '@millrace/core'
import { columnsOf, identifier, openStoreWriter, transaction, rowidOf } from '@millrace/client-sqlite'
import { columnDefinitions, compileBinder, createTable } from './columns.ts'
import type { Options } from './options.ts'
import { compileInserter, type Inserter, throwFailures } from './rows.ts'

/** The last published epoch of a load. */
interface Note {
  readonly epoch: number
  readonly start: string
}

/** What the flush saves of a stage; `rows` shows whether all of them are still there. */
interface Stage extends Note {
  readonly load: string
  readonly rows: number
}

/** What the flush saves for a restart. */
interface Resume extends Note {
  readonly load: string
  /** The stage's table is named after it, even if the id of the sink has changed since. */
  readonly stage: string
  /** The last ledger entry before this flush. */
  readonly published: Note | null
}

interface Place {
  readonly table: string
  /** Pipeline and sink. */
  readonly sink: string
  /** Pipeline, sink and instance: the owner of a load. */
  readonly writer: string
  /** The run of all instances; empty: instances are started independently. */
  readonly run: string
  /** The name of the stage's table. */
  readonly stage: string
  /** The names of the columns, quoted and joined. */
  readonly columns: string
}

const ledger = `CREATE TABLE IF NOT EXISTS _millrace_loads
  (load TEXT PRIMARY KEY NOT NULL, run TEXT NOT NULL, sink TEXT NOT NULL, writer TEXT NOT NULL, target TEXT NOT NULL, epoch INTEGER NOT NULL, start TEXT NOT NULL, rows INTEGER NOT NULL) STRICT`

/** Makes the sink. `table` is set. */
export function appendSink(o: Options, ctx: SinkContext, path: string): Sink {
  const binder = compileBinder(ctx.schema)
  const columns = binder.names.map(identifier).join(', ')
  let place: Place
  let db: DatabaseSync
  let put: Inserter
  let load = ''
  let start = ''
  let published: Note | undefined
  let staged = 0
  return {
    async open(open) {
      const saved = open.restore as unknown as Resume | undefined
      const sink = `${ctx.pipeline}/${ctx.id}`
      const writer = open.instance.n > 1 ? `${sink}.${open.instance.i}-${open.instance.n}` : sink
      place = {
        table: o.table!,
        sink,
        writer,
        run: open.run ?? '',
        stage: saved?.stage ?? `_millrace_stage ${writer}`,
        columns,
      }
      load = saved?.load ?? randomUUID()
      start = open.start
      db = await openStoreWriter(path, open.signal, (made) => {
        made.exec(ledger)
        createTable(made, place.table, ctx.schema, undefined)
        published = noteOf(made, load)
        if (!saved) meetExisting(made, place, open.existing ?? o.existing)
        else if (published && !isKnown(published, saved)) throw stateOlder(ctx.id, path, place, published, saved)
        // The sink may have been renamed.
        made.prepare('UPDATE _millrace_loads SET sink = ?, writer = ? WHERE load = ?').run(sink, writer, load)
        cutBack(made, place, saved, columnDefinitions(ctx.schema))
      })
      put = compileInserter(
        db,
        `INSERT INTO ${identifier(place.stage)} (${columns}, _millrace_start, _millrace_epoch)`,
        '',
        binder,
        2,
      )
    },
    async write(records, { signal, epoch }) {
      if (records.length === 0) return
      const failures: WriteFailure[] = []
      staged += await transaction(db, path, signal, () => put(records, undefined, failures, [start, epoch]))
      crashPoint('sqlite_staged')
      throwFailures(failures)
    },
    async flush({ epoch }) {
      const stages: Json[] = staged > 0 ? [{ load, epoch, start, rows: staged }] : []
      staged = 0
      const resume: Resume = { load, stage: place.stage, epoch, start, published: published ?? null }
      return { resume: resume as unknown as Json, stages }
    },
    async publish(stage, { signal }) {
      published = await transaction(db, path, signal, () => publish(db, place, stage as unknown as Stage))
      crashPoint('sqlite_published')
    },
    async close() {
      if (db?.isOpen) db.close()
    },
  }
}

/** The last ledger entry of a load. */
function noteOf(db: DatabaseSync, load: string): Note | undefined {
  const row = db.prepare('SELECT epoch, start FROM _millrace_loads WHERE load = ?').get(load)
  return row && { epoch: Number(row['epoch']), start: String(row['start']) }
}

/** Whether a saved state knows an entry: it was there before the state's flush, or belongs to a stage of that flush. */
const isKnown = ({ epoch, start }: Note, saved: Resume): boolean =>
  (epoch === saved.published?.epoch && start === saved.published.start) ||
  (start === saved.start && epoch <= saved.epoch)

const stateOlder = (sink: string, path: string, { table }: Place, found: Note, saved: Note): MillraceError =>
  new MillraceError(
    'state_older',
    `the table ${table} in ${path} has rows that the saved state does not know: they end with epoch ${found.epoch} of start ${found.start}, the state with epoch ${saved.epoch} of start ${saved.start}`,
    {
      place: sink,
      hint: 'restore the latest state; or start over: pipe state reset PIPELINE, then run with --replace to empty the table first or with --keep to add to it',
      exitCode: 3,
    },
  )

/** Publishes a stage, unless that was done before. Returns the last ledger entry. */
function publish(
  db: DatabaseSync,
  { table, run, sink, writer, stage, columns }: Place,
  { load, epoch, start, rows }: Stage,
): Note {
  // Epochs of a load are published in order, so the last one stands for all before it.
  const done = noteOf(db, load)
  if (done && done.epoch >= epoch) return done
  const moved = db
    .prepare(
      `INSERT INTO ${identifier(table)} (${columns}) SELECT ${columns} FROM ${identifier(stage)} WHERE _millrace_start = ? AND _millrace_epoch = ? ORDER BY ${rowidOf(columnsOf(db, stage)) ?? 'rowid'}`,
    )
    .run(start, epoch)
  if (Number(moved.changes) !== rows) {
    throw new SystemError('stage_gone', `${rows} rows were staged for ${table}, but ${moved.changes} are there`, {
      hint: 'the store was changed or replaced; start over: pipe state reset PIPELINE, then run with --replace',
    })
  }
  db.prepare(
    'INSERT INTO _millrace_loads VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (load) DO UPDATE SET epoch = excluded.epoch, start = excluded.start, rows = rows + excluded.rows',
  ).run(load, run, sink, writer, table, epoch, start, rows)
  db.prepare(`DELETE FROM ${identifier(stage)} WHERE _millrace_start = ? AND _millrace_epoch = ?`).run(start, epoch)
  return { epoch, start }
}

/** Deletes everything from the stage except saved rows that are not published yet. */
function cutBack(db: DatabaseSync, place: Place, saved: Note | undefined, definitions: readonly string[]): void {
  const stage = identifier(place.stage)
  const create = `CREATE TABLE IF NOT EXISTS ${stage} (${definitions.join(', ')}, _millrace_start TEXT NOT NULL, _millrace_epoch INTEGER NOT NULL) STRICT`
  db.exec(create)
  db.prepare(`DELETE FROM ${stage} WHERE _millrace_start <> ? OR _millrace_epoch > ?`).run(
    saved?.start ?? '',
    saved?.epoch ?? 0,
  )
  if (Number(db.prepare(`SELECT count(*) AS n FROM ${stage}`).get()!['n']) === 0) {
    // Its columns may be those of an earlier spec.
    db.exec(`DROP TABLE ${stage}; ${create}`)
    return
  }
  const there = columnsOf(db, place.stage)
  if (there.length !== definitions.length + 2) {
    throw new MillraceError(
      'stage_left',
      `the stage of this sink has unpublished rows from an earlier spec with different columns: ${there.map((c) => c.name).join(', ')}`,
      {
        hint: 'run once with the old spec, or discard them: pipe state reset PIPELINE',
        exitCode: 2,
      },
    )
  }
}

/**
 * Handles a new run whose table has rows of an earlier one. Rows of other instances belong to an earlier run too, if
 * all instances of this run share its name: the first instance that opens the table replaces it for all of them.
 */
function meetExisting(
  db: DatabaseSync,
  { table, sink, writer, run }: Place,
  existing: NonNullable<OpenContext['existing']>,
): void {
  const loads = db.prepare('SELECT load, run, sink, writer, rows FROM _millrace_loads WHERE target = ?').all(table)
  const isEarlier = (load: Record<string, unknown>) =>
    run === '' ? load['writer'] === writer : load['sink'] === sink && load['run'] !== run
  const own = loads.filter(isEarlier)
  if (own.length === 0 || existing === 'keep') return
  const rows = own.reduce((sum, row) => sum + Number(row['rows']), 0)
  if (existing === 'stop') {
    throw new MillraceError(
      'existing_results',
      `the table ${table} has ${rows} rows of an earlier run of this pipeline`,
      {
        hint: '--replace empties the table first, --keep adds to it; or set `existing` of the sink',
        exitCode: 3,
      },
    )
  }
  const all = Number(db.prepare(`SELECT count(*) AS n FROM ${identifier(table)}`).get()!['n'])
  if (all > rows) {
    const others = [...new Set(loads.filter((load) => !isEarlier(load)).map((load) => String(load['writer'])))]
    throw new MillraceError(
      'existing_results',
      `the table ${table} cannot be replaced: ${all - rows} of its ${all} rows came from elsewhere${others.length ? `: ${others.join(', ')}` : ''}`,
      {
        hint: 'delete the rows of this pipeline by hand and use --keep, or drop the table if the others can be loaded again',
        exitCode: 3,
      },
    )
  }
  db.exec(`DELETE FROM ${identifier(table)}`)
  const forget = db.prepare('DELETE FROM _millrace_loads WHERE load = ?')
  for (const load of own) forget.run(load['load']!)
}
