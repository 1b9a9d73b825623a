/** `npm start`: generates a sample, runs the main job on it from beginning to end, and shows what a person at the service desk would look up. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { retailSample } from '@millrace/testkit'
import { table } from '../packages/cli/src/print/table.ts'
import { pipe, root } from './pipe.ts'

const project = join(root, 'pipelines/customer-service')
const sample = join(project, 'data/retail.csv')

interface Line {
  readonly InvoiceNo: string
  readonly InvoiceDate: string
  readonly CustomerID: number
  readonly Quantity: number
  readonly UnitPrice: number
}

mkdirSync(join(project, 'data'), { recursive: true })
writeFileSync(sample, retailSample({ rows: 20_000 }))
process.stdout.write('Generated 20,000 rows in pipelines/customer-service/data/retail.csv\n\n')

const { code } = await pipe(['run', 'invoices.yaml'], { cwd: project, show: true })
if (code !== 0) process.exit(code)

const customer = await customerOfMostInvoices()
const invoices = await invoicesOf(customer)
process.stdout.write(
  `\nThe invoices of customer ${customer}, newest first:\n\n${table([{ title: 'InvoiceNo' }, { title: 'InvoiceDate' }, { title: 'lines', right: true }, { title: 'total', right: true }], invoices)}`,
)
process.stdout.write(`
Try next, in pipelines/customer-service:
  npx pipe query store invoice-items --where "InvoiceNo == '${invoices[0]?.[0]}'"     the lines of an invoice
  npx pipe dead-letter list invoices.yaml                                    what could not pass, and why
  npx pipe plan invoices.yaml                                                what the run does and promises
`)

async function query(where: string, limit: number): Promise<Line[]> {
  const { code: failed, out, err } = await pipe(['query', 'store', 'invoice-items', '--where', where, '--limit', String(limit), '--json'], { cwd: project })
  if (failed) throw new Error(out + err)
  return JSON.parse(out) as Line[]
}

/** The one with the most invoices, so that there is something to see. */
async function customerOfMostInvoices(): Promise<number> {
  const byCustomer = Map.groupBy(await query('CustomerID != null', 20_000), (line) => line.CustomerID)
  const counted = [...byCustomer].map(([id, lines]) => ({ id, invoices: new Set(lines.map((line) => line.InvoiceNo)).size }))
  return counted.toSorted((a, b) => b.invoices - a.invoices || a.id - b.id)[0]!.id
}

/** One row an invoice: number, date, lines, total. */
async function invoicesOf(id: number): Promise<string[][]> {
  const byInvoice = Map.groupBy(await query(`CustomerID == ${id}`, 10_000), (line) => line.InvoiceNo)
  return [...byInvoice]
    .map(([invoice, lines]) => [
      invoice,
      lines[0]!.InvoiceDate,
      String(lines.length),
      lines.reduce((sum, line) => sum + line.Quantity * line.UnitPrice, 0).toFixed(2),
    ])
    .toSorted((a, b) => (a[1]! < b[1]! ? 1 : -1))
}
