/**
 * document-stream with the real 541,909 rows, including credit notes and lines without a customer, and an echo that
 * equals what was read.
 */
import { isDeepStrictEqual } from 'node:util'
import { join } from 'node:path'
import { countFacts, retailFacts, type RetailRow } from './facts.ts'
import { type Acceptance, statuses } from './flow.ts'
import { answersOf } from './answers.ts'
import { collect, linesOf, type Message, messagesOf } from './stores.ts'

export async function acceptFlow2(job: Acceptance): Promise<void> {
  const input = join(job.data, 'online-retail.csv.gz')
  const rows = retailFacts['rows']!
  const place = await job.place('run')
  await job.run('document-stream', place, [input])
  job.facts('ingestion log', await statuses(place), { 'answers of 201': rows })
  const exported = await job.documents(place, 'docstreaming', 'invoices')
  job.facts('documents ', await countFacts(isoDates(exported.path)), retailFacts)
  const [first] = await collect(linesOf<object>(exported.path), 1)
  job.facts(
    'documents ',
    { fields: Object.keys(first!).join(' ') },
    { fields: '_id Quantity UnitPrice Country CustomerID StockCode Description InvoiceDate InvoiceNo' },
  )
  const [read, echo] = [await messagesOf(place, 'ingestion-topic'), await messagesOf(place, 'spark-output')]
  job.facts(
    'echo      ',
    { messages: String(echo.length), 'differ from what was read': String(differences(read, echo)) },
    { messages: rows, 'differ from what was read': '0' },
  )
  await job.run('document-stream', place, [input])
  const after = await job.documents(place, 'docstreaming', 'invoices')
  job.facts('posted again', { documents: after.sha256 }, { documents: exported.sha256 })
  await answers(job)
}

/** What the gateway answers to what clients send. */
async function answers(job: Acceptance): Promise<void> {
  const good = {
    InvoiceNo: 'C536379',
    StockCode: 'D',
    Description: 'Discount',
    Quantity: -1,
    InvoiceDate: '12/1/2010 9:41',
    UnitPrice: 27.5,
    Country: 'United Kingdom',
  }
  const dated = (InvoiceDate: string) => ({ ...good, InvoiceDate })
  const [slashes, dashes, short, bad, type, both] = await answersOf(await job.place('answers'), 'document-stream', [
    ['/invoiceitem', good],
    ['/invoiceitem', dated('12-01-2010 08:26')],
    ['/invoiceitem', dated('1/13/11 9:05')],
    ['/invoiceitem', dated('13/1/2011 9:05')],
    ['/invoiceitem', { ...good, Quantity: 'many', CustomerID: 1.5 }],
    ['/invoiceitem', { ...dated('x'), Quantity: 'many' }],
  ])
  const date = (answer: typeof slashes) => `${answer!.status} ${(answer!.body as { InvoiceDate?: string }).InvoiceDate}`
  const refused = bad!.body as { item: unknown; errors: { field: string }[] }
  const fields = (answer: typeof slashes) =>
    `${answer!.status} ${(answer!.body as { errors: { field: string }[] }).errors.map((e) => e.field).join(' ')}`
  job.facts(
    'answers   ',
    {
      '12/1/2010 9:41': date(slashes),
      '12-01-2010 08:26': date(dashes),
      '1/13/11 9:05': date(short),
      '13/1/2011 9:05': fields(bad),
      'the item as received': String(isDeepStrictEqual(refused.item, dated('13/1/2011 9:05'))),
      'two wrong types': fields(type),
      'a wrong type and a bad date': fields(both),
    },
    {
      '12/1/2010 9:41': '201 01-12-2010 09:41:00',
      '12-01-2010 08:26': '201 01-12-2010 08:26:00',
      '1/13/11 9:05': '201 13-01-2011 09:05:00',
      '13/1/2011 9:05': '400 InvoiceDate',
      'the item as received': 'true',
      'two wrong types': '422 Quantity CustomerID',
      'a wrong type and a bad date': '422 Quantity',
    },
  )
}

/** The documents with their dates in the format of the facts: `dd-MM-yyyy HH:mm:ss` becomes `yyyy-MM-dd HH:mm:ss`. */
async function* isoDates(path: string): AsyncGenerator<RetailRow> {
  for await (const row of linesOf<RetailRow>(path))
    yield { ...row, InvoiceDate: row.InvoiceDate.replace(/^(\d\d)-(\d\d)-(\d{4})/, '$3-$2-$1') }
}

/** How many messages have no equal at the same place in their key's order. */
function differences(read: readonly Message[], echo: readonly Message[]): number {
  const byKey = Map.groupBy(read, (message) => message.key)
  const echoed = Map.groupBy(echo, (message) => message.key)
  let differ = 0
  for (const key of new Set([...byKey.keys(), ...echoed.keys()])) {
    const [a, b] = [byKey.get(key) ?? [], echoed.get(key) ?? []]
    for (let i = 0; i < Math.max(a.length, b.length); i++)
      if (a[i]?.id !== b[i]?.id || !isDeepStrictEqual(a[i]?.value, b[i]?.value)) differ++
  }
  return differ
}
