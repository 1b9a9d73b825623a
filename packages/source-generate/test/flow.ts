/** The generator of an online shop, as a spec has it: six streams that refer to each other. */
import { type Json, optionsFromText, type RecordType, type Row, isBatch, freshRead, type Batch } from '@millrace/core'
import { generate } from '../src/source.ts'
import type { Options } from '../src/options.ts'

/** Options as in a connection; `since` and `login_since` are vars of the spec. */
export const shop = (since = '-2h', loginSince = '-2h') => `
turn:
  - either: [customers, products]
  - transactions
  - product_views
  - user_interactions
  - system_logs
streams:
  customers:
    customer_id: uuid
    name: { fake: person.fullName }
    email: { fake: internet.email }
    location: { fake: location.streetAddress }
    age: { integer: { from: 18, to: 70 } }
    gender: { one_of: [Male, Female, Other] }
    account_created: { date: { from: -30d } }
    last_login: { time: { from: ${loginSince} } }
  products:
    product_id: uuid
    name: { fake: commerce.productName }
    category: { one_of: [Electronics, Books, Clothing, Home & Garden] }
    price: { number: { from: 10, to: 500 } }
    stock_quantity: { integer: { from: 0, to: 100 } }
    supplier: { fake: company.name }
    rating: { number: { from: 1, to: 5, digits: 1 } }
  transactions:
    transaction_id: uuid
    customer_id: { of: { stream: customers, field: customer_id } }
    product_id: { of: { stream: products, field: product_id } }
    quantity: { integer: { from: 1, to: 5 } }
    date_time: { time: { from: ${since} } }
    status: { one_of: [completed, pending, canceled] }
    payment_method: { one_of: [credit card, PayPal, bank transfer] }
  product_views:
    view_id: uuid
    customer_id: { of: { stream: customers, field: customer_id } }
    product_id: { of: { stream: products, field: product_id } }
    timestamp: { time: { from: ${since} } }
    view_duration: { integer: { from: 10, to: 300 } }
  system_logs:
    log_id: uuid
    timestamp: { time: { from: ${since} } }
    level: { one_of: [INFO, WARNING, ERROR] }
    message: { fake: lorem.sentence }
  user_interactions:
    interaction_id: uuid
    customer_id: { of: { stream: customers, field: customer_id } }
    product_id: { of: { stream: products, field: product_id } }
    timestamp: { time: { from: ${since} } }
    interaction_type: { one_of: [wishlist_addition, review, rating] }
    details: { fake: lorem.sentence, when: "interaction_type == 'review'" }
`

export const shopStreams = [
  'customers',
  'products',
  'transactions',
  'product_views',
  'system_logs',
  'user_interactions',
] as const

/** The options of a text, as the check resolves them. */
export function optionsOf(text: string): Options {
  const read = optionsFromText(text, generate.options)
  if ('findings' in read) throw new Error(JSON.stringify(read.findings))
  return read.value as unknown as Options
}

const env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 's', resolve: (path: string) => path }

/** Reads `limit` records at most. `from`: a saved position. */
export async function read(
  text: string,
  more: { beganMs?: number; from?: Json; limit?: number; schema?: RecordType; signal?: AbortSignal } = {},
): Promise<{ rows: Row[]; batches: Batch[]; caughtUp: number }> {
  const options = optionsOf(text)
  const schema = more.schema ?? (await generate.infer!(options, env, AbortSignal.abort()))
  const source = generate.create(options, { ...env, schema, unknownFields: 'drop' })
  const stop = new AbortController()
  const rows: Row[] = []
  const batches: Batch[] = []
  let caughtUp = 0
  const context = freshRead(stop.signal, { beganMs: more.beganMs ?? 0, resume: () => more.from })
  for await (const given of source.read(context)) {
    if ('caughtUp' in given && !isBatch(given)) caughtUp++
    if (!isBatch(given)) continue
    batches.push(given)
    rows.push(...given.rows)
    if (rows.length >= (more.limit ?? Number.POSITIVE_INFINITY)) stop.abort()
  }
  return { rows, batches, caughtUp }
}
