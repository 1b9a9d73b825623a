/**
 * The load ledger: which epochs of which loads have been published, in a table beside the target (`_millrace_loads`).
 *
 * An entry is written in the transaction that moves the rows. A load has a random id that travels with the saved state,
 * so after a reset of the state no epoch is mistaken for an earlier one; an entry names the start of the process that
 * staged it. If a saved state does not know the last entry of its load, it is older than the table or belongs to
 * another history, and its next epochs would count as published already (invariant 4).
 *
 * Decision: docs/decisions/20261121-append-by-stage-and-ledger.md
 */
import { MillraceError, type OpenContext } from '@millrace/core'
import type { Client } from 'pg'
import { identifier } from './names.ts'

/** The last published epoch of a load. */
export interface Note {
  readonly epoch: number
  readonly start: string
}

/** What the flush saves of a load; `published`: the last ledger entry before that flush. */
export interface Saved extends Note {
  readonly load: string
  readonly published: Note | null
}

/** A stage of a load. */
export interface Load extends Note {
  readonly load: string
  readonly rows: number
}

/** Who loads into which table. */
export interface Owner {
  readonly schema: string
  readonly table: string
  /** Pipeline and sink. */
  readonly sink: string
  /** Pipeline, sink and instance. */
  readonly writer: string
  /** The run of all instances; empty: instances are started independently. */
  readonly run: string
}

/** Names the owner of a load. */
export function ownerOf(schema: string, table: string, sink: string, open: OpenContext): Owner {
  const { i, n } = open.instance
  return { schema, table, sink, writer: n > 1 ? `${sink}.${i}-${n}` : sink, run: open.run ?? '' }
}

/** A table with its schema, quoted. */
export const qualified = ({ schema }: { readonly schema: string }, table: string): string =>
  `${identifier(schema)}.${identifier(table)}`

const ledger = (owner: Owner): string => qualified(owner, '_millrace_loads')

/** Creates the ledger. `text`: the type of its texts. */
export const createLedger = (client: Client, owner: Owner, text: string): Promise<unknown> =>
  client.query(
    `CREATE TABLE IF NOT EXISTS ${ledger(owner)} ("load" ${text} NOT NULL, "run" ${text} NOT NULL, "sink" ${text} NOT NULL, "writer" ${text} NOT NULL, "target" ${text} NOT NULL, "epoch" BIGINT NOT NULL, "start" ${text} NOT NULL, "rows" BIGINT NOT NULL)`,
  )

/** The last entry of a load. */
export async function noteOf(client: Client, owner: Owner, load: string): Promise<Note | undefined> {
  const { rows } = await client.query<{ epoch: string; start: string }>(
    `SELECT "epoch", "start" FROM ${ledger(owner)} WHERE "load" = $1`,
    [load],
  )
  return rows[0] && { epoch: Number(rows[0].epoch), start: rows[0].start }
}

/** Writes the entry of a load that is published now: it replaces the one before. */
export async function note(client: Client, owner: Owner, { load, epoch, start, rows }: Load): Promise<void> {
  const before = await client.query<{ rows: string }>(`SELECT "rows" FROM ${ledger(owner)} WHERE "load" = $1`, [load])
  const total = Number(before.rows[0]?.rows ?? 0) + rows
  await client.query(`DELETE FROM ${ledger(owner)} WHERE "load" = $1`, [load])
  await client.query(`INSERT INTO ${ledger(owner)} VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, [
    load,
    owner.run,
    owner.sink,
    owner.writer,
    owner.table,
    epoch,
    start,
    total,
  ])
}

/**
 * What to know at a start, under the lock of the target: returns the last entry. Empties the table of an earlier run
 * if asked. Throws `existing_results` or `state_older`.
 */
export async function openLoad(
  client: Client,
  owner: Owner,
  load: string,
  saved: Saved | undefined,
  existing: 'stop' | 'replace' | 'keep',
  id: string,
): Promise<Note | undefined> {
  const last = await noteOf(client, owner, load)
  if (!saved) await meetExisting(client, owner, existing)
  else if (last && !isKnown(last, saved)) throw stateOlder(id, owner, last, saved)
  // The sink may have been renamed.
  await client.query(`UPDATE ${ledger(owner)} SET "sink" = $1, "writer" = $2 WHERE "load" = $3`, [
    owner.sink,
    owner.writer,
    load,
  ])
  return last
}

/** Whether a saved state knows an entry: it was there before the state's flush, or belongs to a stage of that flush. */
const isKnown = ({ epoch, start }: Note, saved: Saved): boolean =>
  (epoch === saved.published?.epoch && start === saved.published.start) ||
  (start === saved.start && epoch <= saved.epoch)

const stateOlder = (sink: string, { table }: Owner, found: Note, saved: Note): MillraceError =>
  new MillraceError(
    'state_older',
    `the table ${table} has rows that the saved state does not know: they end with epoch ${found.epoch} of start ${found.start}, the state with epoch ${saved.epoch} of start ${saved.start}`,
    {
      place: sink,
      hint: 'restore the latest state; or start over: pipe state reset PIPELINE, then run with --replace to empty the table first or with --keep to add to it',
      exitCode: 3,
    },
  )

interface Entry {
  readonly load: string
  readonly run: string
  readonly sink: string
  readonly writer: string
  readonly rows: string
}

/**
 * Handles a new run whose table has rows of an earlier one. Rows of other instances belong to an earlier run too, if
 * all instances of this run share its name: the first instance that opens the table replaces it for all of them.
 */
async function meetExisting(client: Client, owner: Owner, existing: 'stop' | 'replace' | 'keep'): Promise<void> {
  const { table, sink, writer, run } = owner
  const { rows: loads } = await client.query<Entry>(
    `SELECT "load", "run", "sink", "writer", "rows" FROM ${ledger(owner)} WHERE "target" = $1`,
    [table],
  )
  const isEarlier = (entry: Entry) => (run === '' ? entry.writer === writer : entry.sink === sink && entry.run !== run)
  const own = loads.filter(isEarlier)
  if (own.length === 0 || existing === 'keep') return
  const rows = own.reduce((sum, entry) => sum + Number(entry.rows), 0)
  if (existing === 'stop')
    throw new MillraceError(
      'existing_results',
      `the table ${table} has ${rows} rows of an earlier run of this pipeline`,
      {
        hint: '--replace empties the table first, --keep adds to it; or set `existing` of the sink',
        exitCode: 3,
      },
    )
  const counted = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${qualified(owner, table)}`)
  const all = Number(counted.rows[0]!.n)
  if (all > rows) {
    const others = [...new Set(loads.filter((entry) => !isEarlier(entry)).map((entry) => entry.writer))]
    throw new MillraceError(
      'existing_results',
      `the table ${table} cannot be replaced: ${all - rows} of its ${all} rows came from elsewhere${others.length > 0 ? `: ${others.join(', ')}` : ''}`,
      {
        hint: 'delete the rows of this pipeline by hand and use --keep, or drop the table if the others can be loaded again',
        exitCode: 3,
      },
    )
  }
  await client.query(`DELETE FROM ${qualified(owner, table)}`)
  for (const { load } of own) await client.query(`DELETE FROM ${ledger(owner)} WHERE "load" = $1`, [load])
}
