/**
 * Windows over the real retail data: revenue per country and day, and customers per hour, equal to DuckDB's; from one
 * file and from four partitions, in order and shuffled by up to two hours with that disorder allowed.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { pipe } from '../pipe.ts'
import { askAll } from './duckdb.ts'
import type { Acceptance } from './flow.ts'

const schema = `{ fields: { InvoiceNo: string, StockCode: string, Description: string?, Quantity: integer, InvoiceDate: string, UnitPrice: "decimal(12,3)", CustomerID: integer?, Country: string } }`

/** Puts the file into a stream of four partitions. */
const toStream = `version: 1
name: to-stream
source: { type: csv, config: { path: in.csv, encoding: latin1 }, schema: ${schema} }
sinks: { lines: { type: log, config: { path: log, stream: lines, key: StockCode, partitions: 4 } } }
`
const ofFile = '{ type: csv, config: { path: in.csv, encoding: latin1 }'
const ofStream = '{ type: log, config: { path: log, stream: lines, stop: end }'

const spec = (source: string, disorder: string): string => `version: 1
name: windows
source: ${source}, schema: ${schema}, event_time: { field: InvoiceDate, formats: ["M/d/yyyy H:mm"], max_out_of_order: ${disorder} } }
steps:
  - id: daily
    from: source
    window: { tumbling: day, late: late_days }
    aggregate: { by: [Country], outputs: { revenue: "sum(Quantity * UnitPrice)", lines: "count()" } }
  - id: hourly
    from: source
    window: { tumbling: 1h, late: late_hours }
    aggregate: { outputs: { customers: "count_distinct(CustomerID)", lines: "count()" } }
sinks:
  daily_lines: { from: daily, type: files, config: { path: out/daily.jsonl, existing: replace } }
  hourly_lines: { from: hourly, type: files, config: { path: out/hourly.jsonl, existing: replace } }
  late_days: { type: files, config: { path: out/late-days.jsonl, existing: replace } }
  late_hours: { type: files, config: { path: out/late-hours.jsonl, existing: replace } }
`

export async function acceptWindows(job: Acceptance): Promise<void> {
  mkdirSync(job.out, { recursive: true })
  const text = gunzipSync(readFileSync(join(job.data, 'online-retail.csv.gz'))).toString('latin1')
  const [header = '', ...lines] = text.split(/\r?\n/).filter(Boolean)
  const csv = join(job.out, 'retail.csv')
  writeFileSync(csv, text, 'latin1')
  const from = `read_csv('${csv}', header = true, encoding = 'latin-1', all_varchar = true)`
  const at = `strptime(InvoiceDate, '%m/%d/%Y %H:%M')`
  const daily = await askAll(`
    SELECT Country, strftime(date_trunc('day', ${at}), '%Y-%m-%dT%H:%M:%S.000Z') AS window_start,
      (sum(Quantity::BIGINT * UnitPrice::DECIMAL(12, 3)))::VARCHAR AS revenue, count(*)::INTEGER AS lines
    FROM ${from} GROUP BY ALL`)
  const hourly = await askAll(`
    SELECT strftime(date_trunc('hour', ${at}), '%Y-%m-%dT%H:%M:%S.000Z') AS window_start,
      count(DISTINCT CustomerID)::INTEGER AS customers, count(*)::INTEGER AS lines FROM ${from} GROUP BY ALL`)

  // Sorted by time: the file itself is in order. Shuffled: each line moves by up to two hours, by a fixed sequence.
  const times = lines.map(timeOf)
  const order = Array.from(lines.keys()).sort((a, b) => times[a]! - times[b]! || a - b)
  const moved = Array.from(lines.keys(), (i) => times[i]! + ((i * 7919) % 120) * 60_000)
  const shuffled = order.toSorted((a, b) => moved[a]! - moved[b]! || a - b)
  const inputs = { 'in order': { of: order, disorder: '0s' }, shuffled: { of: shuffled, disorder: '2h' } }
  for (const [how, { of, disorder }] of Object.entries(inputs))
    for (const source of ['one file', '4 partitions']) {
      const folder = join(job.out, `${how} ${source}`.replaceAll(' ', '-'))
      mkdirSync(join(folder, 'out'), { recursive: true })
      writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
      writeFileSync(join(folder, 'in.csv'), `${[header, ...of.map((i) => lines[i])].join('\n')}\n`, 'latin1')
      writeFileSync(join(folder, 'to-stream.yaml'), toStream)
      writeFileSync(join(folder, 'windows.yaml'), spec(source === 'one file' ? ofFile : ofStream, disorder))
      for (const name of source === 'one file' ? ['windows.yaml'] : ['to-stream.yaml', 'windows.yaml']) {
        const { code, out, err } = await pipe(['run', name, '--json'], { cwd: folder })
        if (code !== 0) throw new Error(`${out}${err}`)
      }
      const rows = (name: string) =>
        readFileSync(join(folder, 'out', name), 'utf8')
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as Record<string, unknown>)
      const isEqual = (found: Record<string, unknown>[], expected: Record<string, unknown>[]) =>
        sortedRows(found, expected) === sortedRows(expected, expected) ? 'yes' : 'no'
      job.facts(
        `${how}, ${source}`,
        {
          'revenue per country and day': isEqual(rows('daily.jsonl'), daily),
          'customers per hour': isEqual(rows('hourly.jsonl'), hourly),
          late: String(rows('late-days.jsonl').length + rows('late-hours.jsonl').length),
        },
        { 'revenue per country and day': 'yes', 'customers per hour': 'yes', late: '0' },
      )
    }
}

function timeOf(line: string): number {
  const [, month, day, year, hour, minute] = /,(\d+)\/(\d+)\/(\d{4}) (\d+):(\d+),/.exec(line)!
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute))
}

/** The columns of the expected rows, decimals without trailing zeros. */
function sortedRows(rows: readonly Record<string, unknown>[], like: readonly Record<string, unknown>[]): string {
  const columns = Object.keys(like[0] ?? {})
  const text = (value: unknown) =>
    typeof value === 'string' && /^-?\d+\.\d+$/.test(value) ? String(Number(value)) : value
  return rows
    .map((row) => JSON.stringify(columns.map((name) => text(row[name]))))
    .sort()
    .join('\n')
}
