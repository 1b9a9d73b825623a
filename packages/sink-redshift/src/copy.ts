/**
 * Loads a stage by COPY: in one transaction with an entry of the load ledger, under a lock of the ledger. If the entry
 * is there, the stage is loaded already (invariant 5). Redshift enforces no key, so nothing else would show it.
 *
 * Rows without a key are copied into the table itself; rows with one go to a temporary table, from which the last row
 * of each key replaces those of the table.
 *
 * Decision: docs/decisions/20261202-loads-into-redshift.md
 */
import { crashPoint, SystemError } from '@millrace/core'
import { derivedName, identifier, literal } from '@millrace/client-postgres'
import { type Client, note, type Note, noteOf, type Owner, qualified } from '@millrace/client-postgres/driver'
import type { Column } from '@millrace/kinds'
import type { Options } from './options.ts'
import { manifestOf, orderColumn, type Stage } from './stage.ts'

/** What a load needs, apart from the stage. */
export interface Loading {
  readonly owner: Owner
  readonly options: Options
  /** Of the target. */
  readonly columns: readonly Column[]
}

/** Locks the ledger until the end of the transaction: loads into the tables of a schema follow one another. */
export const lockOf = (owner: Owner): string => `LOCK ${qualified(owner, '_millrace_loads')}`

/** Loads a stage unless that was done, in a transaction of the caller. Returns the ledger's entry. */
export async function loadByCopy(client: Client, loading: Loading, stage: Stage): Promise<Note> {
  const { owner } = loading
  const done = await noteOf(client, owner, stage.load)
  // Of several stages the last one stands for all before it. After a merge, an older state may be restored: its stages
  // have another start.
  if (done && done.start === stage.start && done.epoch >= stage.epoch) return done
  const rows = stage.key ? await merge(client, loading, stage, stage.key) : await append(client, loading, stage)
  if (rows !== stage.rows)
    throw new SystemError(
      'stage_gone',
      `${stage.rows} rows were staged for the table ${owner.table} in ${manifestOf(stage)}, and ${rows} were loaded`,
      {
        hint: 'the files were changed by something else; load again: pipe state reset PIPELINE, then run with --replace',
      },
    )
  await note(client, owner, stage)
  crashPoint('redshift_copied')
  return { epoch: stage.epoch, start: stage.start }
}

async function append(client: Client, { owner, options }: Loading, stage: Stage): Promise<number> {
  await client.query(copyStatement(qualified(owner, owner.table), stage.columns, stage, options))
  return copied(client)
}

async function merge(
  client: Client,
  { owner, options, columns }: Loading,
  stage: Stage,
  key: readonly string[],
): Promise<number> {
  const incoming = identifier(derivedName('incoming', owner.writer))
  const target = qualified(owner, owner.table)
  const typed = stage.columns.map((name) => {
    const column = columns.find((each) => each.name === name)
    return `${identifier(name)} ${column?.type ?? 'varchar(65535)'}`
  })
  await client.query(`CREATE TEMP TABLE ${incoming} (${typed.join(', ')}, ${identifier(orderColumn)} bigint)`)
  await client.query(copyStatement(incoming, [...stage.columns, orderColumn], stage, options))
  const rows = await copied(client)
  const names = stage.columns.map(identifier).join(', ')
  const keys = key.map(identifier)
  const same = keys.map((name) => `${target}.${name} = ${incoming}.${name}`).join(' AND ')
  await client.query(`DELETE FROM ${target} USING ${incoming} WHERE ${same}`)
  await client.query(
    `INSERT INTO ${target} (${names}) SELECT ${names} FROM (SELECT ${names}, ROW_NUMBER() OVER
     (PARTITION BY ${keys.join(', ')} ORDER BY ${identifier(orderColumn)} DESC) AS "_millrace_rank" FROM ${incoming}) AS ranked
     WHERE "_millrace_rank" = 1`,
  )
  await client.query(`DROP TABLE ${incoming}`)
  return rows
}

/** The statement. Names and texts are quoted; what cannot be is refused by the options' check. */
export function copyStatement(
  table: string,
  columns: readonly string[],
  stage: Stage,
  { iam_role = 'default', region, compupdate, statupdate }: Options,
): string {
  return [
    `COPY ${table} (${columns.map(identifier).join(', ')}) FROM ${literal(manifestOf(stage))}`,
    `IAM_ROLE ${iam_role === 'default' ? 'default' : literal(iam_role)} REGION ${literal(region)}`,
    `MANIFEST FORMAT AS CSV GZIP NULL AS ${literal(stage.nothing)} DATEFORMAT 'YYYY-MM-DD' TIMEFORMAT 'auto'`,
    `COMPUPDATE ${compupdate.toUpperCase()} STATUPDATE ${statupdate.toUpperCase()}`,
  ].join(' ')
}

/** How many rows the last COPY of this session has loaded. */
async function copied(client: Client): Promise<number> {
  const { rows } = await client.query<{ n: string }>('SELECT pg_last_copy_count() AS n')
  return Number(rows[0]!.n)
}
