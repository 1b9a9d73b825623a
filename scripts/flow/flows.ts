/**
 * The documented flows, as data: which specs run together, what their input is, and which edge of one matches which
 * edge of the next, so a run can be balanced.
 */
import { amazonSample, retailSample } from '@millrace/testkit'

/** A sink or source of a pipeline: `[pipeline, id]`. */
export type End = readonly [pipeline: string, id: string]

export interface Flow {
  /** In the folder `pipelines/`. */
  readonly folder: string
  /** Run at the same time, until all have ended. */
  readonly specs: readonly string[]
  /** Run one after the other once those have ended. */
  readonly reports: readonly string[]
  /** Vars of the reports. */
  readonly reportVars?: Readonly<Record<string, string>>
  /** Vars that name an input file; `file`: where a generated sample goes. */
  readonly inputs: readonly { readonly name: string; readonly file: string }[]
  /** The samples of the inputs, by file. */
  sample(): Readonly<Record<string, Uint8Array>>
  /** What is posted: from the client's sink to the gateway's source, and the gateway's sink downstream of it. */
  readonly posts: readonly { readonly what: string; readonly sink: End; readonly source: End; readonly taken: End }[]
  /** What goes through a stream. */
  readonly streams: readonly { readonly name: string; readonly sink: End; readonly source: End }[]
  /** What ends up in the store. `keyed`: a document may combine several records. */
  readonly collections: readonly {
    readonly name: string
    readonly spec: string
    readonly sink: End
    readonly keyed: boolean
  }[]
}

const invoices = { file: 'data/invoices.csv', rows: 5000 }

export const flows: Readonly<Record<string, Flow>> = {
  'customer-service': {
    folder: 'customer-service',
    specs: ['client.yaml', 'gateway.yaml', 'projection.yaml'],
    reports: [],
    inputs: [{ name: 'input', file: invoices.file }],
    sample: () => ({ [invoices.file]: retailSample({ rows: invoices.rows }) }),
    posts: [
      {
        what: 'POST /invoices',
        sink: ['client', 'gateway'],
        source: ['gateway', 'source'],
        taken: ['gateway', 'stream'],
      },
    ],
    streams: [{ name: 'customer-event-api', sink: ['gateway', 'stream'], source: ['projection', 'source'] }],
    collections: [{ name: 'invoice-items', spec: 'projection.yaml', sink: ['projection', 'documents'], keyed: false }],
  },
  'document-stream': {
    folder: 'document-stream',
    specs: ['client.yaml', 'gateway.yaml', 'projection.yaml'],
    reports: [],
    inputs: [{ name: 'input', file: invoices.file }],
    sample: () => ({ [invoices.file]: retailSample({ rows: invoices.rows }) }),
    posts: [
      {
        what: 'POST /invoiceitem',
        sink: ['client', 'gateway'],
        source: ['gateway', 'source'],
        taken: ['gateway', 'stream'],
      },
    ],
    streams: [{ name: 'ingestion-topic', sink: ['gateway', 'stream'], source: ['projection', 'source'] }],
    collections: [{ name: 'invoices', spec: 'projection.yaml', sink: ['projection', 'documents'], keyed: false }],
  },
  'amazon-products': {
    folder: 'amazon-products',
    specs: ['client.yaml', 'gateway.yaml', 'projection.yaml'],
    reports: ['price-buckets.yaml', 'items-per-category.yaml', 'average-price.yaml'],
    inputs: [
      { name: 'products', file: 'data/amazon-products.csv' },
      { name: 'categories', file: 'data/amazon-categories.csv' },
    ],
    sample() {
      const { products, categories } = amazonSample({ products: 3000 })
      return { 'data/amazon-products.csv': products, 'data/amazon-categories.csv': categories }
    },
    posts: [
      {
        what: 'POST /AmazonProduct',
        sink: ['client', 'product'],
        source: ['gateway', 'products'],
        taken: ['gateway', 'product'],
      },
      {
        what: 'POST /Category',
        sink: ['client', 'category'],
        source: ['gateway', 'categories'],
        taken: ['gateway', 'category'],
      },
    ],
    streams: [
      { name: 'ingest-product', sink: ['gateway', 'product'], source: ['projection', 'products'] },
      { name: 'ingest-category', sink: ['gateway', 'category'], source: ['projection', 'categories'] },
    ],
    collections: [
      { name: 'product', spec: 'projection.yaml', sink: ['projection', 'product_documents'], keyed: true },
      { name: 'category', spec: 'projection.yaml', sink: ['projection', 'category_documents'], keyed: true },
    ],
  },
  'ecommerce-website': {
    folder: 'ecommerce-website',
    specs: ['generator.yaml'],
    reports: ['analyses.yaml'],
    // What is there is read to its end, whatever its order, so that every window is complete.
    reportVars: {
      stop: 'end',
      customer_disorder: 'unbounded',
      views_disorder: 'unbounded',
      interactions_disorder: 'unbounded',
    },
    inputs: [],
    sample: () => ({}),
    posts: [],
    streams: ['customers', 'products', 'transactions', 'product_views', 'user_interactions'].map((name) => ({
      name,
      sink: ['generator', `to_${name}`],
      source: ['analyses', name],
    })),
    collections: [
      'customer_analysis',
      'product_analysis',
      'sales_analysis',
      'product_views_analysis',
      'interaction_analysis',
    ].map((name) => ({ name, spec: 'analyses.yaml', sink: ['analyses', name], keyed: true })),
  },
}
