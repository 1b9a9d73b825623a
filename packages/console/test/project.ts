/** A small shop with everything that the console shows: bad records, a window that waits, a failing run, a page. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** Data that would run if it were taken for markup. */
export const markup = '<img src=x onerror=alert(1)>'

const order = `{ id: integer, customer: string, amount: "decimal(10,2)", at: timestamp }`
const texts: Readonly<Record<string, string>> = {
  'millrace.yaml': `name: shop
connections:
  events: { type: log, config: { path: events } }
  store: { type: sqlite, config: { path: store.db } }
`,
  'orders.csv': `id,customer,amount,at
1,17850,12.50,2026-03-01T09:10:00Z
2,17850,7.25,2026-03-01T09:20:00Z
3,13047,100.00,2026-03-01T10:05:00Z
4,${markup},x,2026-03-01T10:15:00Z
5,${markup},3.00,2026-03-01T10:20:00Z
6,javascript:alert(2),4.00,2026-03-01T10:25:00Z
7,13047,-1.00,2026-03-01T10:30:00Z
9007199254740993,13047,1.00,2026-03-01T10:35:00Z
`,
  'pipelines/orders.yaml': `version: 1
name: orders
description: Orders of the shop, into a table and a stream.
schedule: { cron: "0 0 1 1 *" }
source: { type: csv, config: { path: orders.csv }, schema: { fields: ${order.replace('integer', 'bigint')} } }
steps: [{ id: paid, where: "amount > 0" }]
sinks:
  table: { from: paid, connection: store, config: { collection: orders, key: [id] } }
  stream: { from: paid, connection: events, config: { stream: orders } }
on_error: { data: dead_letter }
dead_letter: { connection: store, config: { collection: bad_orders } }
`,
  'pipelines/hourly.yaml': `version: 1
name: hourly
description: What each customer spent in an hour.
source:
  connection: events
  config: { stream: orders }
  schema: { fields: ${order.replace('integer', 'bigint')} }
  event_time: { field: at, max_out_of_order: 10m }
steps:
  - id: by_hour
    window: { tumbling: 1h, late: drop }
    aggregate: { by: [customer], outputs: { orders: "count()", spent: "sum(amount)" } }
sinks: { hours: { connection: store, config: { collection: hours, key: [window_start, customer] } } }
`,
  'pipelines/broken.yaml': `version: 1
name: broken
description: Its file is not there.
schedule: { cron: "0 0 1 1 *" }
source: { type: csv, config: { path: missing.csv }, schema: { fields: { n: integer } } }
sinks: { all: { connection: store, config: { collection: none } } }
`,
  'pipelines/clicks.yaml': `version: 1
name: clicks
description: What visitors clicked.
source:
  connection: events
  config: { stream: clicks }
  schema: { fields: { n: integer } }
sinks: { clicks: { connection: store, config: { collection: clicks, key: [n] } } }
on_error: { data: drop }
`,
  'pages/spending.yaml': `version: 1
name: spending
title: Spending
description: What customers spent.
connection: store
inputs: { customer: { type: "string?", label: Customer } }
queries:
  orders: { collection: orders, where: ["customer == inputs.customer"], sort: [id] }
  customers:
    collection: orders
    group: [customer]
    outputs: { orders: "count()", spent: "sum(amount)" }
    sort: [customer]
  hours: { collection: hours, group: [window_start], outputs: { orders: "sum(orders)" }, sort: [window_start] }
elements:
  - { table: orders, title: Orders, links: { customer: { customer: customer } }, empty: No orders. }
  - { bar: customers, title: Orders by customer, x: customer, y: orders }
  - { line: hours, title: Orders by hour, x: window_start, y: orders, empty: No hour is over. }
`,
}

/** Writes the project into a folder. */
export function writeProject(folder: string): void {
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}

const main = ['--conditions=@millrace/source', '--no-warnings', resolve(import.meta.dirname, '../../cli/src/main.ts')]

/** Runs the command to its end; its standard output. */
export async function pipe(folder: string, ...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [...main, ...words], { cwd: folder })
  return stdout
}

/** A command that shows a console. */
export interface Shown {
  /** With the token. */
  readonly url: string
  readonly child: ChildProcess
  /** Kills it, without notice. */
  kill(): Promise<void>
}

/** Starts `pipe serve --console 0` or `pipe console`, and waits for the address. */
export async function show(folder: string, ...words: readonly string[]): Promise<Shown> {
  const child = spawn(process.execPath, [...main, ...words], { cwd: folder })
  const ended = once(child, 'close')
  let printed = ''
  const url = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        printed += String(text)
        const found = /http:\/\/[^\s"]+#token=[\w-]+/.exec(printed)
        if (found) resolve(found[0])
      })
    child.on('close', () => reject(new Error(`it ended:\n${printed}`)))
  })
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  return { url: await url, child, kill }
}
