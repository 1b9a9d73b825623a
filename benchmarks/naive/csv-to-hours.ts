/** Hours and countries as a good engineer counts them in an hour: csv-parse, an object per row, nested Maps. */
import { createReadStream, writeFileSync } from 'node:fs'
import { parse } from 'csv-parse'
import { fromCsv } from './invoice.ts'

const [input, output] = process.argv.slice(2) as [string, string]
interface Sum {
  lines: number
  revenue: number
  readonly customers: Set<string>
}
const hours = new Map<string, Map<string, Sum>>()
for await (const row of createReadStream(input).pipe(parse({ columns: true, encoding: 'latin1' })) as AsyncIterable<
  Record<string, string>
>) {
  const { InvoiceDate, Quantity, UnitPrice, country } = fromCsv(row)
  const hour = `${InvoiceDate.slice(0, 10)}T${InvoiceDate.slice(11, 13)}:00:00.000Z`
  const countries = hours.get(hour) ?? new Map<string, Sum>()
  hours.set(hour, countries)
  const sum = countries.get(country) ?? { lines: 0, revenue: 0, customers: new Set<string>() }
  countries.set(country, sum)
  sum.lines++
  sum.revenue += Quantity * UnitPrice
  if (row['CustomerID']) sum.customers.add(row['CustomerID'])
}
let text = ''
for (const [hour, countries] of hours)
  for (const [country, { lines, revenue, customers }] of countries)
    text += `${JSON.stringify({ country, hour, lines, revenue, customers: customers.size })}\n`
writeFileSync(output, text)
