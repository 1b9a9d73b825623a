/**
 * `npm start`: generates a shop's invoice lines, posts them to a gateway, from there through a stream into a store, all
 * in one command and with nothing installed, and looks up what a person at the service desk would.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, retailSample } from '@millrace/testkit'
import { setup } from './console-ready.ts'
import { pipe, root } from './pipe.ts'

const project = join(root, 'pipelines/customer-service')
const rows = 10_000

mkdirSync(join(project, 'data'), { recursive: true })
writeFileSync(join(project, 'data/retail.csv'), retailSample({ rows }))
process.stdout.write(`Generated ${rows.toLocaleString('en-US')} rows in pipelines/customer-service/data/retail.csv\n\n`)

const specs = ['client.yaml', 'gateway.yaml', 'projection.yaml']
await command(['run', ...specs, '--until', 'caught_up', '--set', `address=127.0.0.1:${await freePort()}`])

const store = ['query', 'store', 'invoice-items']
const busiest = [
  '--where',
  'CustomerID != null',
  '--group',
  'CustomerID',
  '--outputs',
  'lines=count()',
  '--sort',
  '-lines',
  '--limit',
  '1',
]
const [customer] = await rowsOf<{ CustomerID: number }>([...store, ...busiest])
const invoices = [
  ...store,
  '--where',
  `CustomerID == ${customer!.CustomerID}`,
  '--group',
  'InvoiceNo,InvoiceDate,CustomerID',
  '--outputs',
  'lines=count(),total=round(sum(Quantity * UnitPrice), 2)',
  '--sort',
  '-InvoiceDate',
]
process.stdout.write(
  `\nThe invoices of customer ${customer!.CustomerID}, newest first:\n  npx pipe ${shown(invoices)}\n\n`,
)
await command(invoices)

const [shortest] = (await rowsOf<{ InvoiceNo: string; lines: number }>(invoices)).toSorted((a, b) => a.lines - b.lines)
const lines = [...store, '--where', `InvoiceNo == '${shortest!.InvoiceNo}'`]
process.stdout.write(`\nThe lines of invoice ${shortest!.InvoiceNo}:\n  npx pipe ${shown(lines)}\n\n`)
await command(lines)
process.stdout.write(`
Try next, in pipelines/customer-service:
  npx pipe console                          the same in a browser: what ran, what failed, and why
  npx pipe dead-letter list client.yaml     what the gateway refused, and why
  npx pipe plan gateway.yaml                what a run does and promises
  npx pipe preview invoices.yaml --set invoice_date_format='d/M/yyyy H:mm'     what the wrong date format would do
`)

// So that the console is there for whoever asks for it.
await setup()
if (process.argv.includes('--open')) await command(['console', '--port', '0'])

/** Runs a command in the project; ends this process if it fails. */
async function command(words: readonly string[], show = true): Promise<string> {
  const { code, out, err } = await pipe(words, { cwd: project, show })
  if (code === 0) return out
  if (!show) process.stderr.write(out + err)
  process.exit(code)
}

async function rowsOf<T>(words: readonly string[]): Promise<T[]> {
  return JSON.parse(await command([...words, '--json'], false)) as T[]
}

function shown(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w,.=-]+$/.test(word) ? word : word.includes("'") ? `"${word}"` : `'${word}'`))
    .join(' ')
}
