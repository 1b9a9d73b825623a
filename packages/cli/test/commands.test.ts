/** The commands over one small project: the one that `pipe init` creates. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { retailSample } from '../../testkit/src/retail.ts'
import { printError } from '../src/print/error.ts'
import { hide, hideSecrets } from '@millrace/core'
import { freshFolder, pipe } from './terminal.ts'

const orders = `version: 1
name: orders
vars: { date_format: { default: "M/d/yyyy H:mm" } }
source:
  type: csv
  config: { path: data/orders.csv }
  schema: ./schemas/order.yaml
steps:
  - parse_dates: { ordered_at: { formats: ["\${var:date_format}"], to: "yyyy-MM-dd HH:mm:ss" } }
  - where: "quantity > 0"
sinks:
  documents: { connection: store, config: { collection: orders, key: order_id } }
on_error: { data: dead_letter }
dead_letter: { connection: store, config: { collection: bad-orders } }
`

/** A project with one pipeline: that of `pipe init` without its files sink. */
async function project(spec = orders): Promise<string> {
  const folder = freshFolder()
  expect((await pipe(['init'], folder)).code).toBe(0)
  writeFileSync(join(folder, 'pipelines/orders.yaml'), spec)
  return folder
}

describe('pipe init', () => {
  it('creates nothing if something is in the way', async () => {
    const folder = freshFolder()
    writeFileSync(join(folder, 'millrace.yaml'), '')
    expect(await pipe(['init'], folder)).toMatchObject({ code: 3, err: expect.stringContaining('path_taken') })
    expect(existsSync(join(folder, 'data'))).toBe(false)
  })
})

describe('pipe check', () => {
  it('reports all findings with file, line and column, and exits with 2', async () => {
    const folder = await project(
      orders
        .replace('quantity > 0', 'quantty > 0')
        .replace('documents: { connection: store', 'documents: { conection: store'),
    )
    const { code, out, err } = await pipe(['check'], folder)
    expect(code).toBe(2)
    expect(err).toContain('pipelines/orders.yaml:10:13  error')
    expect(err).toMatch(/10 \| {3}- where: "quantty > 0"\n +\| +\^{7}\n/)
    expect(err).toContain('did you mean `connection`?')
    expect(out).toMatch(/^\d errors\n$/)
    const { findings } = JSON.parse((await pipe(['check', '--json'], folder)).out) as { findings: { line: number }[] }
    expect(findings.map((finding) => finding.line)).toEqual(expect.arrayContaining([10, 12]))
  })

  it('sets a var in those of several specs that declare it, and reports one that none does', async () => {
    const folder = await project()
    writeFileSync(
      join(folder, 'pipelines/plain.yaml'),
      orders
        .replace('name: orders', 'name: plain')
        .replace(/vars: .*\n/, '')
        .replace('${var:date_format}', 'yyyy-MM-dd'),
    )
    expect(await pipe(['check', '--set', 'date_format=d/M/yyyy H:mm'], folder)).toMatchObject({ code: 0, err: '' })
    const { code, err } = await pipe(['check', '--set', 'date_fromat=d/M/yyyy'], folder)
    expect([code, err.match(/var_unknown/g)?.length]).toEqual([2, 2])
  })

  it('finds a spec by file, by folder and by name, and lists the available ones', async () => {
    const folder = await project()
    for (const word of ['orders', 'pipelines/orders.yaml'])
      expect((await pipe(['check', word], folder)).out).toBe('orders: valid\n')
    expect(await pipe(['check', 'order'], folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining('Pipelines here: pipelines/orders.yaml'),
    })
    expect(await pipe(['check', 'pipelines/none.yaml'], folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining('file_missing'),
    })
  })

  it('accepts vars from --set and refuses one that the spec does not have', async () => {
    const folder = await project()
    expect((await pipe(['check', '--set', 'date_format=d.M.yyyy'], folder)).code).toBe(0)
    expect(await pipe(['check', '--set', 'dateformat=d.M.yyyy'], folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining('var_unknown'),
    })
    expect(await pipe(['check', '--set', 'date_format'], folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining('VAR=VALUE'),
    })
  })
})

describe('pipe plan', () => {
  it('shows the flow, what the source does itself, and the delivery guarantee', async () => {
    const { out } = await pipe(['plan'], await project())
    expect(out).toMatch(
      /read .*\n[\s\S]*do +parse_dates .*done by source while reading[\s\S]*write +documents \(sqlite\) +from where/,
    )
    expect(out).toContain('Delivery: effectively-once.')
  })

  it('prints the plan as JSON and the graph as Mermaid', async () => {
    const folder = await project()
    expect(JSON.parse((await pipe(['plan', '--json'], folder)).out)).toMatchObject({ version: 1, name: 'orders' })
    const { out } = await pipe(['plan', '--graph', 'mermaid'], folder)
    expect(out).toMatch(/^flowchart LR\n/)
    expect(out.match(/-->/g)).toHaveLength(3)
  })
})

describe('pipe run', () => {
  it('checks first and writes nothing when the spec is wrong', async () => {
    const folder = await project(orders.replace('quantity > 0', 'quantity + 1'))
    expect((await pipe(['run'], folder)).code).toBe(2)
    expect(existsSync(join(folder, '.millrace'))).toBe(false)
  })

  it('ends with a table that balances', async () => {
    const { code, out } = await pipe(['run'], await project())
    expect(code).toBe(0)
    expect(out).toMatch(/^orders: run 1 finished after .*: 7 records, /)
    expect(out).toMatch(/where +parse_dates +6 +5 +1\n/)
    expect(out).toMatch(/dead_letter \(sqlite\) +what failed +1 +1\n/)
    expect(out).toMatch(/Every edge balances\.\n$/)
  })

  it('reports the same to a program', async () => {
    const { out } = await pipe(['run', '--json'], await project())
    expect(JSON.parse(out)).toMatchObject({
      pipeline: 'orders',
      ended: true,
      balances: true,
      counters: {
        sources: { source: { read: 7 } },
        sinks: { documents: { in: 5, delivered: 5 }, dead_letter: { in: 1, delivered: 1 } },
      },
    })
  })

  it('stops at a bad record by default, and says the code, the place, what is wrong, and what to do', async () => {
    const folder = await project(orders.replace(/on_error[\s\S]*/, ''))
    const { code, err } = await pipe(['run'], folder)
    expect(code).toBe(1)
    expect(err).toMatch(/^error bad_date at .*data\/orders\.csv.*:6/m)
    expect(err).toContain('2/30/2025 8:15')
  })

  it('exits with 3 where a file is missing', async () => {
    const folder = await project(orders.replace('data/orders.csv', 'data/none.csv'))
    const { code, err } = await pipe(['run'], folder)
    expect([code, err]).toEqual([3, expect.stringContaining('data/none.csv')])
  })
})

describe('pipe preview', () => {
  it('shows each step and the records that cannot pass, and writes nothing', async () => {
    const folder = await project()
    const { code, out } = await pipe(['preview', '--show', '1'], folder)
    expect(code).toBe(0)
    expect(out).toMatch(
      /source: 7 records[\s\S]*parse_dates: 6 records, 1 failed[\s\S]*bad_date[\s\S]*where: 5 records/,
    )
    expect(existsSync(join(folder, '.millrace'))).toBe(false)
  })

  it('shows the damage that a different date format would do', async () => {
    const { out } = await pipe(['preview', '--set', 'date_format=d/M/yyyy H:mm'], await project())
    expect(out).toMatch(/parse_dates: 6 records, 1 failed/)
    expect(out).toContain('2025-03-11 09:05:00')
  })

  it('prints all digits of a whole number as a number', async () => {
    const folder = freshFolder()
    writeFileSync(join(folder, 'in.csv'), 'id\n9007199254740993\n')
    writeFileSync(
      join(folder, 'wide.yaml'),
      `version: 1
name: wide
source: { type: csv, config: { path: in.csv }, schema: { fields: { id: bigint } } }
sinks: { out: { type: console } }
`,
    )
    const { out } = await pipe(['preview', 'wide.yaml', '--json'], folder)
    expect(out).toMatch(/"id": 9007199254740993\b/)
  })
})

describe('pipe query', () => {
  it('finds, sorts and limits documents', async () => {
    const folder = await project()
    await pipe(['run'], folder)
    const ada = await pipe(
      ['query', 'store', 'orders', '--where', 'customer == "Ada"', '--sort', '-order_id', '--json'],
      folder,
    )
    expect(JSON.parse(ada.out).map((row: { order_id: number }) => row.order_id)).toEqual([1003, 1001])
    expect((await pipe(['query', 'documents', 'orders', '--where', 'quantity > 100'], folder)).out).toBe(
      'Nothing found.\n',
    )
    const wrong = await pipe(['query', 'store', 'orders', '--where', 'custmer == "Ada"'], folder)
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('customer') })
    expect(await pipe(['query', 'store', 'invoices'], folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining('store orders'),
    })
  })
})

describe('pipe query --group', () => {
  it('counts and sums the documents that were found, in groups or all together, and sorts the groups', async () => {
    const folder = await project()
    await pipe(['run'], folder)
    const query = async (...words: string[]) => {
      const { code, out, err } = await pipe(['query', 'store', 'orders', '--json', ...words], folder)
      expect(code, err).toBe(0)
      return JSON.parse(out) as Record<string, unknown>[]
    }
    const documents = await query()
    const quantities = (customer: unknown) =>
      documents.flatMap((d) => (d['customer'] === customer ? [d['quantity'] as number] : []))
    const groups = await query(
      '--group',
      'customer',
      '--outputs',
      'orders=count(), pieces = sum(quantity), most=max(min(quantity, 1000000))',
      '--sort',
      '-pieces,customer',
    )
    expect(groups).toEqual(
      [...new Set(documents.map((d) => d['customer']))]
        .map((customer) => ({
          customer,
          orders: quantities(customer).length,
          pieces: quantities(customer).reduce((a, b) => a + b, 0),
          most: Math.max(...quantities(customer)),
        }))
        .toSorted((a, b) => b.pieces - a.pieces || (String(a.customer) < String(b.customer) ? -1 : 1)),
    )
    expect(await query('--group', 'customer', '--sort', 'customer', '--limit', '1')).toEqual([
      { customer: null, count: 1 },
    ])
    expect(await query('--where', 'customer == "Ada"', '--outputs', 'n=count()')).toEqual([{ n: 2 }])
  })

  it('counts documents that hold a part of the records only', async () => {
    const folder = freshFolder()
    writeFileSync(join(folder, 'millrace.yaml'), 'connections: { store: documents }\n')
    writeFileSync(join(folder, 'in.csv'), 'customer,invoice,total\n1,a,5\n1,b,6\n2,c,7\n')
    writeFileSync(
      join(folder, 'wide.yaml'),
      `version: 1
name: wide
source: { type: csv, config: { path: in.csv }, schema: { fields: { customer: integer, invoice: string, total: number } } }
sinks:
  customers:
    connection: store
    config: { collection: customers, key: customer, write: set, attribute: { name: invoice, value: [total] } }
`,
    )
    expect(await pipe(['run', 'wide.yaml'], folder)).toMatchObject({ code: 0 })
    const { out, err } = await pipe(['query', 'store', 'customers', '--outputs', 'n=count()', '--json'], folder)
    expect([out, err]).toEqual([expect.stringMatching(/"n": 2/), ''])
  })

  it.each([
    [['--group', 'custmer'], 'custmer'],
    [['--outputs', 'count()'], 'NAME=AGGREGATE'],
    [['--outputs', 'n=sum(customer)'], 'sum takes'],
    [['--group', 'customer', '--sort', 'quantity'], 'known: customer, count'],
  ])('says what is wrong with %j', async (words, message) => {
    const folder = await project()
    await pipe(['run'], folder)
    expect(await pipe(['query', 'store', 'orders', ...words], folder)).toMatchObject({
      code: 2,
      err: expect.stringContaining(message),
    })
  })
})

describe('vars in expressions', () => {
  const spec = (where: string) => `version: 1
name: bound
vars: { limit: { type: integer, default: 3 }, name: { default: Ada } }
source: { type: csv, config: { path: data.csv }, schema: { fields: { id: integer, name: string } } }
steps: [{ where: ${JSON.stringify(where)} }]
sinks: { out: { type: files, config: { path: out.jsonl } } }
`
  const bound = async (where: string, ...words: string[]) => {
    const folder = freshFolder()
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    writeFileSync(join(folder, 'data.csv'), "id,name\n1,Ada\n4,Ada\n5,\"x' || 'a' == 'a\"\n")
    writeFileSync(join(folder, 'bound.yaml'), spec(where))
    const ended = await pipe(['run', 'bound.yaml', ...words], folder)
    const out = existsSync(join(folder, 'out.jsonl')) ? readFileSync(join(folder, 'out.jsonl'), 'utf8') : ''
    return { ...ended, ids: [...out.matchAll(/"id":(\d)/g)].map(([, id]) => Number(id)) }
  }

  it('are bound as values, whatever they contain', async () => {
    const where = "id > ${var:limit} && name == '${var:name}'"
    expect((await bound(where)).ids).toEqual([4])
    expect((await bound(where, '--set', 'limit=-1')).ids).toEqual([1, 4])
    expect((await bound(where, '--set', "name=x' || 'a' == 'a")).ids).toEqual([5])
  })

  it('name an output as well, and times are compared as times', async () => {
    const folder = freshFolder()
    writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
    writeFileSync(join(folder, 'data.csv'), 'id,at\n1,07:00\n2,08:00:00.5\n')
    writeFileSync(
      join(folder, 'bound.yaml'),
      `version: 1
name: bound
vars: { rest: { default: others }, at: { default: "08:00" } }
source: { type: csv, config: { path: data.csv }, schema: { fields: { id: integer, at: time } } }
steps: [{ route: { late: "at > time(\${var:at})", else: "\${var:rest}" } }]
sinks:
  late: { from: late, type: files, config: { path: late.jsonl } }
  early: { from: others, type: files, config: { path: early.jsonl } }
`,
    )
    expect(await pipe(['run', 'bound.yaml'], folder)).toMatchObject({ code: 0 })
    expect(readFileSync(join(folder, 'late.jsonl'), 'utf8')).toBe('{"id":2,"at":"08:00:00.5"}\n')
    expect(readFileSync(join(folder, 'early.jsonl'), 'utf8')).toBe('{"id":1,"at":"07:00:00"}\n')
  })

  it('are named where their type does not fit', async () => {
    expect(await bound('name == ${var:limit}')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/wrong_type\n[^\n]*\(`\$\{var:limit\}` is a number\)/),
    })
    expect(await bound('id${var:name} > 1')).toMatchObject({ code: 2, err: expect.stringContaining('id${var:name}') })
  })
})

describe('pipe dead-letter', () => {
  it('lists the records that could not pass, and delivers them once the spec is mended', async () => {
    const folder = await project()
    await pipe(['run'], folder)
    const listed = await pipe(['dead-letter', 'list'], folder)
    expect(listed.out).toMatch(/1 +parse_dates +bad_date/)
    expect(listed.out).toContain('1005,2/30/2025 8:15,Cleo,Door mat,1,7.95')
    expect((await pipe(['dead-letter', 'replay'], folder)).code).toBe(1)

    writeFileSync(join(folder, 'pipelines/orders.yaml'), orders.replace(/ {2}- parse_dates.*\n/, ''))
    const replayed = await pipe(['dead-letter', 'replay', '--json'], folder)
    expect(JSON.parse(replayed.out)).toMatchObject({ letters: 1, failedAgain: [] })
  })
})

describe('pipe state', () => {
  it('shows what is saved, and discards it when told to', async () => {
    const folder = await project()
    await pipe(['run'], folder)
    expect((await pipe(['state', 'show'], folder)).out).toBe('orders\n')
    expect((await pipe(['state', 'show', 'orders'], folder)).out).toMatch(
      /run 1, ended\n\nsource[\s\S]*data\/orders\.csv/,
    )
    expect((await pipe(['state', 'reset', 'orders'], folder)).out).toContain('Add --yes')
    expect((await pipe(['state', 'reset', 'orders', '--yes'], folder)).out).toContain('starts from the beginning')
    expect(JSON.parse((await pipe(['state', 'show', 'orders', '--json'], folder)).out)).toMatchObject({
      positions: [],
      incarnation: 1,
      ended: true,
    })
    expect(await pipe(['state', 'show', 'none'], folder)).toMatchObject({ code: 2 })
  })
})

describe('pipe schema', () => {
  it('writes a schema with which the spec then passes', async () => {
    const folder = await project()
    mkdirSync(join(folder, 'made'))
    expect((await pipe(['schema', 'infer', 'data/orders.csv', '--out', 'made/order.yaml'], folder)).code).toBe(0)
    expect(readFileSync(join(folder, 'made/order.yaml'), 'utf8')).toContain('  customer: string?\n')
    writeFileSync(join(folder, 'pipelines/orders.yaml'), orders.replace('./schemas/order.yaml', './made/order.yaml'))
    expect((await pipe(['check'], folder)).code).toBe(0)
  })

  it('prints JSON Schema with every available connector', async () => {
    const schema = JSON.parse((await pipe(['schema', 'print'], freshFolder())).out) as {
      properties: Record<string, unknown>
    }
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(['source', 'steps', 'sinks', 'dead_letter']))
    expect(JSON.stringify(schema)).toContain('parse_dates')
  })
})

describe('secrets', () => {
  it('are printed as *** wherever they appear', () => {
    hideSecrets(['pa/ss word'])
    expect(hide('mongodb://u:pa%2Fss%20word@host and pa/ss word')).toBe('mongodb://u:***@host and ***')
    let printed = ''
    const io = { err: (text: string) => void (printed += text), out: () => {} } as unknown as Parameters<
      typeof printError
    >[1]
    printError(
      Object.assign(new Error('cannot reach amqp://u:pa/ss word@h'), { code: 'refused', hint: 'try pa/ss word' }),
      io,
      false,
    )
    expect(printed).not.toContain('pa/ss')
  })
})

describe('signals', () => {
  const spec = orders
    .replace('path: data/orders.csv', 'path: data/many.csv, encoding: latin1')
    .replace(
      'schema: ./schemas/order.yaml',
      'schema: { fields: { InvoiceNo: string, Quantity: integer, InvoiceDate: string } }',
    )
    .replace('ordered_at', 'InvoiceDate')
    .replace('quantity', 'Quantity')
    .replace(', key: order_id', '')

  it('SIGTERM finishes work in progress, saves, and the next run resumes', async () => {
    const folder = await project(spec)
    writeFileSync(join(folder, 'data/many.csv'), retailSample({ rows: 60_000 }))
    const child = spawn(
      process.execPath,
      ['--conditions=@millrace/source', resolve(import.meta.dirname, '../src/main.ts'), 'run', '--json'],
      { cwd: folder },
    )
    let out = ''
    child.stdout.on('data', (text) => (out += String(text)))
    while (!existsSync(join(folder, '.millrace/local/orders/state.db'))) await sleep(10)
    child.kill('SIGTERM')
    expect((await once(child, 'close'))[0]).toBe(0)
    const stopped = JSON.parse(out) as { ended: boolean; balances: boolean }
    expect(stopped).toMatchObject({ ended: false, balances: true })
    const { out: rest } = await pipe(['run', '--json'], folder)
    expect(JSON.parse(rest)).toMatchObject({
      ended: true,
      resumed: true,
      balances: true,
      counters: { sources: { source: { read: 60_000 } } },
    })
  })
})
