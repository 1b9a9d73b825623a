import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import type { RecordType, Row } from '@millrace/core'
import { compilePrinter } from '../src/print.ts'

const schema: RecordType = {
  fields: {
    InvoiceNo: { type: { kind: 'string' }, optional: false },
    Quantity: { type: { kind: 'integer' }, optional: false },
    price: { type: { kind: 'decimal', precision: 10, scale: 2 }, optional: true },
    at: { type: { kind: 'timestamp' }, optional: true },
    any: { type: { kind: 'json' }, optional: true },
  },
}
const row = (InvoiceNo: string, Quantity: number, more: Row = {}): Row => ({
  InvoiceNo,
  Quantity,
  price: null,
  at: null,
  any: null,
  ...more,
})

test('lines: name=value, quoted where it is more than a word, without nulls', () => {
  const print = compilePrinter('lines', schema)
  expect(
    print([
      row('536365', 6, { price: '2.50', at: 0 }),
      row('a b', -1),
      row('', 0, { any: { a: [1] } }),
      row('say "hi"', 1),
    ]),
  ).toBe(
    `InvoiceNo=536365 Quantity=6 price=2.50 at=1970-01-01T00:00:00.000Z
InvoiceNo="a b" Quantity=-1
InvoiceNo="" Quantity=0 any="{\\"a\\":[1]}"
InvoiceNo="say \\"hi\\"" Quantity=1
`,
  )
})

test('json: each row whole', () => {
  expect(compilePrinter('json', schema)([row('1', 2, { price: '2.50', at: 0 })])).toBe(
    '{"InvoiceNo":"1","Quantity":2,"price":"2.50","at":"1970-01-01T00:00:00.000Z","any":null}\n',
  )
})

test('table: widths of the first rows, numbers to the right, longer values cut visibly', () => {
  const print = compilePrinter('table', {
    fields: { InvoiceNo: schema.fields['InvoiceNo']!, Quantity: schema.fields['Quantity']! },
  })
  expect(print([row('caf\u00e9 \u{1F600}', 6), row('536366', -12)])).toBe(`InvoiceNo  Quantity
---------  --------
caf\u00e9 \u{1F600}            6
536366          -12
`)
  expect(print([row('a longer invoice', 1)])).toBe('a longer\u2026         1\n')
  expect(compilePrinter('table', schema)([row('x'.repeat(100), 1)]).split('\n')[2]).toMatch(/^x{39}\u2026 {2}/)
})

test.each(['lines', 'table'] as const)('%s: nothing that a terminal would obey is sent', (format) => {
  const text = compilePrinter(format, schema)([row('\u001b[2J\r\u009b1m\u202e\ud800', 1)])
  expect(text).toContain('\\u001b[2J')
  // oxlint-disable-next-line no-control-regex
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
})

test('fields that the type leaves open are printed as well', () => {
  expect(compilePrinter('lines', { fields: {}, open: true })([{ a: 1, b: 'x y' }])).toBe('a=1 b="x y"\n')
  expect(compilePrinter('json', { fields: {}, open: true })([{ a: 1 }])).toBe('{"a":1}\n')
})

test('a reader that ends stops the run with a plain error', async () => {
  const script = `
    import definitions from '${new URL('../src/index.ts', import.meta.url).href}'
    import { batch, Records } from '@millrace/core'
    const schema = { fields: { n: { type: { kind: 'integer' }, optional: false } } }
    const sink = definitions[0].create({ format: 'lines', to: 'stdout' }, { schema })
    const rows = Array.from({ length: 1000 }, (_, n) => ({ n }))
    const records = new Records({ rows, from: [{ source: 's', batch: batch({ split: 's', rows, position: 1000 }) }], pipeline: 'p' })
    await sink.open({})
    try {
      for (;;) await sink.write(records, { signal: new AbortController().signal, epoch: 1 })
    } catch (error) {
      process.stderr.write(error.name + ' ' + error.code)
    }`
  const child = spawn(process.execPath, ['--conditions=@millrace/source', '--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
  })
  child.stdout.once('data', () => child.stdout.destroy())
  let errors = ''
  child.stderr.on('data', (bytes) => (errors += bytes))
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect(errors).toBe('SystemError output_closed')
  expect(code).toBe(0)
})

test('a reader that does not read is waited for until the abort', async () => {
  const script = `
    import definitions from '${new URL('../src/index.ts', import.meta.url).href}'
    import { batch, Records } from '@millrace/core'
    const schema = { fields: { n: { type: { kind: 'integer' }, optional: false } } }
    const sink = definitions[0].create({ format: 'lines', to: 'stdout' }, { schema })
    const rows = Array.from({ length: 1000 }, (_, n) => ({ n }))
    const records = new Records({ rows, from: [{ source: 's', batch: batch({ split: 's', rows, position: 1000 }) }], pipeline: 'p' })
    const abort = new AbortController()
    await sink.open({})
    let abortedMs = 0
    setTimeout(() => { abortedMs = performance.now(); abort.abort() }, 300)
    try {
      for (let n = 0; n < 10000; n++) await sink.write(records, { signal: abort.signal, epoch: 1 })
    } catch (error) {
      process.stderr.write([error.name, error.code, abortedMs > 0 && performance.now() - abortedMs < 1000].join(' '))
      process.exit(0)
    }`
  const child = spawn(process.execPath, ['--conditions=@millrace/source', '--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
  })
  child.stdout.pause()
  let errors = ''
  child.stderr.on('data', (bytes) => (errors += bytes))
  await new Promise((resolve) => child.on('exit', resolve))
  child.stdout.destroy()
  expect(errors).toBe('SystemError aborted true')
})
