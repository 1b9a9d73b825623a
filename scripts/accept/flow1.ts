/**
 * customer-service with the real 541,909 rows: every answer and every document counted, the client's file posted again,
 * and the day-first setting.
 */
import { join } from 'node:path'
import { ask } from './duckdb.ts'
import { countFacts, type Facts, type RetailRow, retailFacts, retailQuery } from './facts.ts'
import { type Acceptance, statuses } from './flow.ts'
import { deskFacts, knownDesk } from './pages.ts'
import { linesOf, messagesOf } from './stores.ts'

type Document = RetailRow & { readonly _id: string }

const columns = `{_id: 'VARCHAR', InvoiceNo: 'VARCHAR', StockCode: 'VARCHAR', Description: 'VARCHAR', Quantity: 'BIGINT', InvoiceDate: 'VARCHAR', UnitPrice: 'VARCHAR',
  CustomerID: 'BIGINT', Country: 'VARCHAR'}`

export async function acceptFlow1(job: Acceptance): Promise<void> {
  const input = join(job.data, 'online-retail.csv.gz')
  const rows = retailFacts['rows']!
  const main = await job.place('month-first')
  await job.run('customer-service', main, [input])
  job.facts('ingestion log', await statuses(main), { 'answers of 201': rows })
  const exported = await job.documents(main, 'customer-events', 'invoice-items')
  const asked = await ask(
    retailQuery(`read_json('${exported.path}', format = 'newline_delimited', columns = ${columns})`),
  )
  job.facts(
    'DuckDB    ',
    Object.fromEntries(Object.entries(asked).map(([fact, value]) => [fact, String(value)])),
    retailFacts,
  )
  job.facts('JSON.parse', await countFacts(linesOf<Document>(exported.path)), retailFacts)
  const written = (await messagesOf(main, 'customer-event-api')).length
  job.facts('stream    ', { messages: String(written) }, { messages: rows })

  job.facts('page      ', await deskFacts(main, 'invoices'), knownDesk)

  const again = await job.run('customer-service', main, [input])
  job.facts(
    'posted again',
    { ...(await statuses(main)), 'answered from memory': String(again.balance.posts[0]!.repeated) },
    {
      'answers of 201': String(2 * Number(rows)),
      'answered from memory': rows,
    },
  )
  const after = await job.documents(main, 'customer-events', 'invoice-items')
  const messages = (await messagesOf(main, 'customer-event-api')).length
  job.facts(
    'posted again',
    { documents: after.sha256, messages: String(messages) },
    { documents: exported.sha256, messages: rows },
  )

  const wrong = await job.place('day-first')
  await job.run('customer-service', wrong, [input], { invoice_date_format: 'd/M/yyyy H:mm' })
  job.facts('day-first', await statuses(wrong), { 'answers of 400': '308950', 'answers of 201': '232959' })
  const dayFirst = await job.documents(wrong, 'customer-events', 'invoice-items', 'invoice-items-day-first')
  job.facts('day-first', await compareDates(exported.path, dayFirst.path), {
    'wrong dates': '211578',
    'right dates': '21381',
    'unknown ids': '0',
  })
}

/** Both exports are sorted by id. */
async function compareDates(right: string, other: string): Promise<Facts> {
  const found = { 'wrong dates': 0, 'right dates': 0, 'unknown ids': 0 }
  const all = linesOf<Document>(right)
  for await (const { _id, InvoiceDate } of linesOf<Document>(other)) {
    let next = await all.next()
    while (!next.done && next.value._id !== _id) next = await all.next()
    if (next.done) found['unknown ids']++
    else found[next.value.InvoiceDate === InvoiceDate ? 'right dates' : 'wrong dates']++
  }
  return Object.fromEntries(Object.entries(found).map(([fact, n]) => [fact, String(n)]))
}
