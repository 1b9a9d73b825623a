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
  /** Of the profile `aws`, without prefix. */
  readonly buckets: readonly string[]
  /** The samples of the inputs, by file. */
  sample(): Readonly<Record<string, Uint8Array>>
  /** What is posted: from the client's sink to the gateway's source, and the gateway's sinks downstream of it. */
  readonly posts: readonly {
    readonly what: string
    readonly sink: End
    readonly source: End
    readonly taken: readonly End[]
  }[]
  /** What goes through a stream or a folder. */
  readonly streams: readonly { readonly name: string; readonly sinks: readonly End[]; readonly source: End }[]
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
    buckets: ['millrace-lake'],
    specs: ['client.yaml', 'gateway.yaml', 'projection.yaml'],
    reports: [],
    inputs: [{ name: 'input', file: invoices.file }],
    sample: () => ({ [invoices.file]: retailSample({ rows: invoices.rows }) }),
    posts: [
      {
        what: 'POST /invoices',
        sink: ['client', 'gateway'],
        source: ['gateway', 'source'],
        taken: [['gateway', 'stream']],
      },
    ],
    streams: [{ name: 'customer-event-api', sinks: [['gateway', 'stream']], source: ['projection', 'source'] }],
    collections: [{ name: 'invoice-items', spec: 'projection.yaml', sink: ['projection', 'documents'], keyed: false }],
  },
  'document-stream': {
    folder: 'document-stream',
    buckets: ['millrace-lake'],
    specs: ['client.yaml', 'gateway.yaml', 'projection.yaml'],
    reports: [],
    inputs: [{ name: 'input', file: invoices.file }],
    sample: () => ({ [invoices.file]: retailSample({ rows: invoices.rows }) }),
    posts: [
      {
        what: 'POST /invoiceitem',
        sink: ['client', 'gateway'],
        source: ['gateway', 'source'],
        taken: [['gateway', 'stream']],
      },
    ],
    streams: [{ name: 'ingestion-topic', sinks: [['gateway', 'stream']], source: ['projection', 'source'] }],
    collections: [{ name: 'invoices', spec: 'projection.yaml', sink: ['projection', 'documents'], keyed: false }],
  },
  'amazon-products': {
    folder: 'amazon-products',
    buckets: [],
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
        taken: [['gateway', 'product']],
      },
      {
        what: 'POST /Category',
        sink: ['client', 'category'],
        source: ['gateway', 'categories'],
        taken: [['gateway', 'category']],
      },
    ],
    streams: [
      { name: 'ingest-product', sinks: [['gateway', 'product']], source: ['projection', 'products'] },
      { name: 'ingest-category', sinks: [['gateway', 'category']], source: ['projection', 'categories'] },
    ],
    collections: [
      { name: 'product', spec: 'projection.yaml', sink: ['projection', 'product_documents'], keyed: true },
      { name: 'category', spec: 'projection.yaml', sink: ['projection', 'category_documents'], keyed: true },
    ],
  },
  'ecommerce-website': {
    folder: 'ecommerce-website',
    buckets: [],
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
      sinks: [['generator', `to_${name}`]],
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
  'aws-oltp-olap': {
    folder: 'aws-oltp-olap',
    specs: ['client.yaml', 'gateway.yaml', 'oltp.yaml', 'lake.yaml'],
    reports: ['batch.yaml', 'items.yaml'],
    inputs: [{ name: 'input', file: invoices.file }],
    sample: () => ({ [invoices.file]: retailSample({ rows: invoices.rows, badDates: 0 }) }),
    buckets: ['batch-process-ecom', 'staging-bucket-ecom', 'lake-ecom'],
    posts: [
      {
        what: 'POST /events',
        sink: ['client', 'gateway'],
        source: ['gateway', 'source'],
        taken: [
          ['gateway', 'customers'],
          ['gateway', 'anonymous_sales'],
        ],
      },
    ],
    streams: [
      ...['oltp', 'lake'].map((reader) => ({
        name: `event-ingest, to ${reader}`,
        sinks: [['gateway', 'customers'] as const, ['gateway', 'anonymous_sales'] as const],
        source: [reader, 'source'] as const,
      })),
      { name: 'raw lake', sinks: [['lake', 'raw_lines']], source: ['batch', 'source'] },
      { name: 'Parquet lake', sinks: [['lake', 'parquet']], source: ['items', 'source'] },
    ],
    collections: [
      { name: 'customer', spec: 'oltp.yaml', sink: ['oltp', 'customer'], keyed: true },
      { name: 'invoice', spec: 'oltp.yaml', sink: ['oltp', 'invoice'], keyed: true },
      { name: 'item-purchases', spec: 'items.yaml', sink: ['items', 'item_purchases'], keyed: true },
    ],
  },
}
