/**
 * The jobs that are killed: specs in a project of their own, run by the real command, and what their outputs must hold.
 */
import { cpSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readStore } from '@millrace/core'
import { retailSample } from '../../src/retail.ts'
import {
  documents,
  expectedOf,
  type ExpectedRows,
  jsonLines,
  parquetRows,
  sameDeadLetters,
  sameRows,
  sameSet,
  tableRows,
} from './oracle.ts'
import type { Restartable } from '../../src/until-done.ts'

export interface CrashJob {
  readonly name: string
  readonly spec: string
  /** Points of its sinks that it passes, in addition to those of the engine. */
  readonly points: readonly string[]
  verify(outputs: string, expected: ExpectedRows): Promise<void>
}

const source = `version: 1
source:
  type: csv
  config: { path: retail.csv, encoding: latin1 }
  schema:
    fields: { InvoiceNo: string, StockCode: string, Description: string?, Quantity: integer, InvoiceDate: string, UnitPrice: number, CustomerID: string?, Country: string }
steps:
  - parse_dates: { InvoiceDate: { formats: ["M/d/yyyy H:mm"], to: "yyyy-MM-dd HH:mm:ss" } }
  - id: slim
    select: [InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, { country: Country }]
`
const deadLetter = `on_error: { data: dead_letter }
dead_letter: { type: files, config: { path: out/dead-letter/, format: jsonl } }
`

/** An epoch is cut at 10,000 records at the latest, so the files are rolled often enough for several of everything. */
const roll = 'roll: { records: 4000 }'

export const crashJobs: readonly CrashJob[] = [
  {
    name: 'three-outputs',
    points: ['mid_file', 'file_marked', 'file_renamed'],
    spec: `${source}sinks:
  documents: { from: slim, type: sqlite, config: { path: out/store.db, collection: items } }
  lines: { from: slim, type: files, config: { path: out/lines/, format: jsonl } }
  columns: { from: slim, type: files, config: { path: out/columns/, format: parquet, ${roll} } }
${deadLetter}`,
    async verify(outputs, expected) {
      sameRows(
        documents(join(outputs, 'store.db'), 'items').map(({ doc }) => doc),
        expected.rows,
        'documents',
      )
      sameRows(jsonLines(join(outputs, 'lines')), expected.rows, 'JSON lines')
      sameRows(await parquetRows(join(outputs, 'columns')), expected.rows, 'Parquet')
      sameDeadLetters(join(outputs, 'dead-letter'), expected.bad)
    },
  },
  {
    name: 'state',
    points: ['mid_file', 'sqlite_staged', 'sqlite_published'],
    spec: `${source}  - id: per_country
    from: slim
    tally: { by: country, sum: Quantity }
sinks:
  lines: { from: slim, type: files, config: { path: out/lines/, format: jsonl, ${roll} } }
  table: { from: slim, type: sqlite, config: { path: out/store.db, table: lines } }
  countries: { from: per_country, type: sqlite, config: { path: out/store.db, collection: countries, key: country } }
${deadLetter}`,
    async verify(outputs, expected) {
      sameRows(jsonLines(join(outputs, 'lines')), expected.rows, 'JSON lines')
      sameRows(tableRows(join(outputs, 'store.db'), 'lines'), expected.rows, 'rows of a table')
      sameSet(
        documents(join(outputs, 'store.db'), 'countries').map(({ doc }) => doc),
        expected.tally,
        'state: the counts per country',
      )
      sameDeadLetters(join(outputs, 'dead-letter'), expected.bad)
    },
  },
]

export interface CrashProject {
  readonly program: Restartable
  /** The error it throws says what was lost, duplicated or wrong. */
  verify(): Promise<void>
  /** The run has come to its end and has recorded that. */
  isDone(): boolean
  /** As if it had never run. */
  reset(): void
}

/** The command, run from its sources. */
export const pipeFromSource = [
  '--conditions=@millrace/source',
  '--no-warnings',
  fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url)),
]

/** A project folder for a job, with `rows` generated records; `pipe` is the command's entry, with flags for Node. */
export function crashProject(
  job: CrashJob,
  folder: string,
  pipe: readonly string[],
  rows: number,
  seed = 1,
): CrashProject {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'retail.csv'), retailSample({ rows, seed, badDates: Math.ceil(rows / 500) }))
  writeFileSync(join(folder, 'job.yaml'), job.spec.replace('version: 1\n', `version: 1\nname: ${job.name}\n`))
  writeTally(join(folder, 'node_modules', 'millrace-transform-tally'))
  const expected = expectedOf(join(folder, 'retail.csv'))
  return {
    program: {
      command: process.execPath,
      args: [...pipe, 'run', 'job.yaml', '--json'],
      cwd: folder,
      env: { NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-compiled') },
    },
    async verify() {
      await job.verify(join(folder, 'out'), expected)
      const left = globSync('**/*.{part,tmp}', { cwd: join(folder, 'out') })
      if (left.length) throw new Error(`left behind: ${left.join(', ')}`)
    },
    isDone() {
      const store = readStore(join(folder, '.millrace', 'local', job.name))
      const ended = store?.run()?.ended === true
      store?.close()
      return ended
    },
    reset() {
      for (const name of ['.millrace', 'out']) rmSync(join(folder, name), { recursive: true, force: true })
    },
  }
}

/**
 * A stateful step as a package of the project's own: counts rows and sums a field by another, results at the end of the
 * input.
 */
function writeTally(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const manifest = {
    name: 'millrace-transform-tally',
    version: '1.0.0',
    type: 'module',
    main: 'index.js',
    millrace: { connectors: ['./index.js'] },
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  cpSync(new URL('./tally.js', import.meta.url), join(folder, 'index.js'))
}
