/**
 * Appends rows to a table, effectively-once by a load ledger, since no key identifies a repeated row.
 *
 * Rows of an epoch are staged in a table of the sink's own, next to the target and with its rules. The flush returns
 * the stage, which is saved with the positions; publishing then moves the rows into the target and records the epoch in
 * the ledger, in one transaction. Publishing again finds the entry and does nothing (invariant 5). At a start, rows
 * staged after the last save are discarded (invariant 4). Rows become visible only after they were saved.
 *
 * A write whose outcome is unknown is repeated by the engine. Writes are numbered, so the repetition first discards
 * what the same number left; a lock on the stage lets it wait until the server has finished with the broken connection.
 *
 * Decision: docs/decisions/20261121-append-by-stage-and-ledger.md
 */
import { randomUUID } from 'node:crypto'
import {
  crashPoint,
  type Json,
  MillraceError,
  type Sink,
  type SinkContext,
  SystemError,
  throwFailures,
  type WriteFailure,
} from '@millrace/core'
import { derivedName, identifier, literal } from '@millrace/client-postgres'
import {
  type Client,
  copyIn,
  createLedger,
  type Load,
  note,
  type Note,
  noteOf,
  openLoad,
  type Owner,
  ownerOf,
  qualified,
  type Saved,
  Session,
} from '@millrace/client-postgres/driver'
import { type Line, linesOf } from '@millrace/kinds'
import { compileLine } from './columns.ts'
import type { Options } from './options.ts'
import { store } from './rows.ts'
import { columnsOf, createTable, rulesOfTarget } from './table.ts'

/** What the flush saves for a restart. */
interface Resume extends Saved {
  /** The name of the stage's table, even if the id of the sink has changed since. */
  readonly stage: string
}

/** Until the end of the transaction. */
const lockOf = (what: string): string => `SELECT pg_advisory_xact_lock(hashtextextended(${literal(what)}, 0))`

/** Makes the sink. */
export function appendSink(o: Options, ctx: SinkContext): Sink {
  const names = Object.keys(ctx.schema.fields)
  const session = new Session(o, ctx)
  const lockTarget = lockOf(`millrace ${o.schema}.${o.table}`)
  let lineOf: ReturnType<typeof compileLine>
  let owner: Owner
  let stage = ''
  let load = ''
  let start = ''
  let published: Note | undefined
  let staged = 0
  /** Writes of this start that are stored. */
  let writes = 0
  const lockStage = () => lockOf(`millrace stage ${stage}`)

  async function publish(client: Client, saved: Load): Promise<Note> {
    // Epochs of a load are published in order, so the last one stands for all before it.
    const done = await noteOf(client, owner, saved.load)
    if (done && done.epoch >= saved.epoch) return done
    const columns = names.map(identifier).join(', ')
    const of = [saved.start, saved.epoch]
    const where = `WHERE "_millrace_start" = $1 AND "_millrace_epoch" = $2`
    const moved = await client.query(
      `INSERT INTO ${qualified(owner, o.table)} (${columns}) SELECT ${columns} FROM ${qualified(owner, stage)} ${where}`,
      of,
    )
    if (moved.rowCount !== saved.rows)
      throw new SystemError(
        'stage_gone',
        `${saved.rows} rows were staged for the table ${o.table}, and ${moved.rowCount} are there`,
        {
          hint: 'the stage was changed by something else; load again: pipe state reset PIPELINE, then run with --replace',
        },
      )
    await note(client, owner, saved)
    await client.query(`DELETE FROM ${qualified(owner, stage)} ${where}`, of)
    return { epoch: saved.epoch, start: saved.start }
  }

  return {
    async open(open) {
      const saved = open.restore as unknown as Resume | undefined
      owner = ownerOf(o.schema, o.table, `${ctx.pipeline}/${ctx.id}`, open)
      stage = saved?.stage ?? derivedName('stage', `${ctx.home} ${owner.writer} ${o.table}`)
      load = saved?.load ?? randomUUID()
      start = open.start
      await session.transaction(open.signal, 'opening the table', `${lockTarget}; ${lockStage()}`, async (client) => {
        await createLedger(client, owner, 'text')
        lineOf = compileLine(ctx.schema, await createTable(client, o, ctx.schema))
        published = await openLoad(client, owner, load, saved, open.existing ?? o.existing, ctx.id)
        await cutBack(client, owner, stage, saved, names)
      })
    },
    async write(records, { signal, epoch }) {
      if (records.length === 0) return
      const failures: WriteFailure[] = []
      const lines = linesOf(records, lineOf, failures)
      const end = `\t${start}\t${epoch}\t${writes + 1}\n`
      const columns = [...names, '_millrace_start', '_millrace_epoch', '_millrace_write'].map(identifier).join(', ')
      const copy = `COPY ${qualified(owner, stage)} (${columns}) FROM STDIN`
      staged += await session.transaction(signal, 'staging rows', lockStage(), async (client) => {
        await client.query(
          `DELETE FROM ${qualified(owner, stage)} WHERE "_millrace_start" = $1 AND "_millrace_write" = $2`,
          [start, writes + 1],
        )
        const put = (some: readonly Line[]) =>
          copyIn(client, copy, Buffer.from(some.map(({ text }) => text + end).join('')))
        return store(client, lines, put, failures)
      })
      writes++
      crashPoint('postgres_staged')
      throwFailures(failures)
    },
    async flush({ epoch }) {
      const stages: Json[] = staged > 0 ? [{ load, epoch, start, rows: staged }] : []
      staged = 0
      const resume: Resume = { load, stage, epoch, start, published: published ?? null }
      return { resume: resume as unknown as Json, stages }
    },
    async publish(saved, { signal }) {
      published = await session.transaction(signal, 'publishing rows', lockTarget, (client) =>
        publish(client, saved as unknown as Load),
      )
      crashPoint('postgres_published')
    },
    close: () => session.close(),
  }
}

/** Deletes everything from the stage except saved rows that are not published yet. */
async function cutBack(
  client: Client,
  owner: Owner,
  stage: string,
  saved: Note | undefined,
  names: readonly string[],
): Promise<void> {
  const table = qualified(owner, stage)
  const there = await columnsOf(client, owner.schema, stage)
  if (there.length > 0) {
    await client.query(`DELETE FROM ${table} WHERE "_millrace_start" <> $1 OR "_millrace_epoch" > $2`, [
      saved?.start ?? '',
      saved?.epoch ?? 0,
    ])
    const left = await client.query(`SELECT 1 FROM ${table} LIMIT 1`)
    if (left.rowCount === 0) await client.query(`DROP TABLE ${table}`)
    else if (names.every((name) => there.some((column) => column.name === name))) return
    else
      throw new MillraceError(
        'stage_left',
        `the stage of this sink has unpublished rows from an earlier spec with different columns: ${there.map(({ name }) => name).join(', ')}`,
        { hint: 'run once with the old spec, or discard them: pipe state reset PIPELINE', exitCode: 2 },
      )
  }
  // With the rules of the target, so that a row that breaks one is refused here, and named.
  await client.query(
    `CREATE TABLE ${table} (LIKE ${qualified(owner, owner.table)} ${rulesOfTarget},
     "_millrace_start" text NOT NULL, "_millrace_epoch" bigint NOT NULL, "_millrace_write" bigint NOT NULL)`,
  )
}
