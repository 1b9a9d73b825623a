/** Six sources that read the streams of one generator, in one run. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startOnce } from '@millrace/testkit'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from './terminal.ts'

const spec = (count: number, more = '') => `version: 1
name: shop
vars: { since: { default: -2h } }
connections:
  shop:
    type: generate
    config:
      count: ${count}
      ${more}
      turn:
        - either: [customers, products]
        - transactions
      streams:
        customers: { id: uuid, name: { fake: person.fullName }, seen: { time: { from: "\${var:since}" } } }
        products: { id: uuid, price: { number: { from: 10, to: 500 } } }
        transactions:
          customer: { of: { stream: customers, field: id } }
          product: { of: { stream: products, field: id } }
          at: { time: { from: "\${var:since}" } }
sources:
  customers:
    connection: shop
    config: { stream: customers }
    schema: { fields: { id: string, name: string, seen: timestamp } }
  products:
    connection: shop
    config: { stream: products }
    schema: { fields: { id: string, price: "decimal(6,2)" } }
  transactions:
    connection: shop
    config: { stream: transactions, key: customer }
    schema: { fields: { customer: string, product: string, at: timestamp } }
sinks:
  c: { from: customers, type: files, config: { path: out/customers.jsonl, existing: replace } }
  p: { from: products, type: files, config: { path: out/products.jsonl, existing: replace } }
  t: { from: transactions, type: files, config: { path: out/transactions.jsonl, existing: replace } }
`

function project(text: string): string {
  const folder = freshFolder()
  writeFileSync(join(folder, 'millrace.yaml'), 'version: 1\n')
  writeFileSync(join(folder, 'shop.yaml'), text)
  return folder
}

type Made = Readonly<Record<string, string>>
const rowsOf = (folder: string, name: string): Made[] =>
  readFileSync(join(folder, 'out', `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Made)

const refersToItsOwn = (folder: string): void => {
  const [customers, products] = ['customers', 'products'].map(
    (name) => new Set(rowsOf(folder, name).map(({ id }) => id)),
  )
  const transactions = rowsOf(folder, 'transactions')
  expect(transactions.length).toBeGreaterThan(0)
  expect(transactions.filter((row) => !customers!.has(row['customer']!) || !products!.has(row['product']!))).toEqual([])
}

describe('a generator that several sources share', () => {
  it('gives records that refer to each other, and others in the next run', async () => {
    const folder = project(spec(50))
    expect(await pipe(['check', 'shop.yaml'], folder)).toMatchObject({ code: 0, err: '' })
    expect(await pipe(['run', 'shop.yaml'], folder)).toMatchObject({ code: 0 })
    refersToItsOwn(folder)
    const first = rowsOf(folder, 'customers')
    expect(await pipe(['run', 'shop.yaml'], folder)).toMatchObject({ code: 0 })
    refersToItsOwn(folder)
    const known = new Set(first.map(({ id }) => id))
    expect(rowsOf(folder, 'customers').filter(({ id }) => known.has(id))).toEqual([])
  })

  it('gives the same records again if its clock is set, at times that a var decides', async () => {
    const folder = project(spec(50, 'clock: 2026-01-31T12:00:00Z'))
    const run = async (...more: string[]) => {
      expect(await pipe(['run', 'shop.yaml', ...more], folder)).toMatchObject({ code: 0 })
      return ['customers', 'products', 'transactions'].map((name) => rowsOf(folder, name))
    }
    const first = await run()
    expect(await run()).toEqual(first)
    const [customers] = await run('--set', 'since=start_of_year')
    expect(customers!.map(({ id }) => id)).toEqual(first[0]!.map(({ id }) => id))
    expect(customers!.some(({ seen }) => seen! < '2026-01-31')).toBe(true)
  })

  it('goes on after a crash as if there had been none', { timeout: 60_000 }, async () => {
    const folder = project(spec(60_000))
    const args = ['--conditions=@millrace/source', join(import.meta.dirname, '../src/main.ts'), 'run', 'shop.yaml']
    const crash = { point: 'after_save', time: 3 }
    expect(await startOnce({ command: process.execPath, args, cwd: folder }, crash)).toMatchObject({ killed: true })
    expect(await pipe(['run', 'shop.yaml'], folder)).toMatchObject({ code: 0 })
    refersToItsOwn(folder)
    const ids = ['customers', 'products'].flatMap((name) => rowsOf(folder, name).map(({ id }) => id))
    expect(ids).toHaveLength(60_000)
    expect(new Set(ids).size).toBe(60_000)
  })

  it('has its findings where they are written: in the connection or in the source', async () => {
    const wrong = spec(5)
      .replace('person.fullName', 'person.fulName')
      .replace('{ stream: products }', '{ stream: product }')
    const folder = project(wrong)
    const { code, out, err } = await pipe(['check', 'shop.yaml'], folder)
    expect(code).toBe(2)
    expect((out + err).match(/^shop\.yaml:\d+:\d+ .*$/gm)).toEqual([
      'shop.yaml:14:46  error bad_value',
      'shop.yaml:27:23  error bad_value',
    ])
    const { err: other, out: rest } = await pipe(
      ['check', 'shop.yaml'],
      project(spec(5).replace('price: "decimal(6,2)"', 'price: string')),
    )
    expect(other + rest).toMatch(/shop\.yaml:15:\d+ .*wrong_type/)
  })

  it('may be described in millrace.yaml, for several specs that read it at the same clock', async () => {
    const whole = spec(50, 'clock: "${env:CLOCK}"').replaceAll('${var:since}', '-2h')
    const [before, connections, after] = whole.split(/^(?=connections:|sources:)/m) as [string, string, string]
    const folder = project('')
    writeFileSync(join(folder, 'millrace.yaml'), `version: 1\n${connections}`)
    for (const name of ['customers', 'products', 'transactions']) {
      const own = (text: string, part: string) => text.split(/^(?=  \w|sinks:)/m).filter((each) => each.includes(part))
      const source = own(after, `stream: ${name}`)[0]!
      const sink = own(after, `from: ${name}`)[0]!
      writeFileSync(
        join(folder, `${name}.yaml`),
        `${before.replace('name: shop', `name: ${name}`)}sources:\n${source}sinks:\n${sink}`,
      )
      const env = { CLOCK: '2026-01-31T12:00:00Z' }
      expect(await pipe(['run', `${name}.yaml`], folder, env)).toMatchObject({ code: 0 })
    }
    refersToItsOwn(folder)
  })

  it('has a schema that can be inferred', async () => {
    const infer = (config: string) => pipe(['schema', 'infer', '--type', 'generate', '--config', config], freshFolder())
    expect(await infer('fields: { id: uuid, n: { value: 1, when: "id == \'a\'" } }')).toMatchObject({
      code: 0,
      out: 'fields:\n  id: string\n  n: integer?\n',
    })
    const wrong = await infer('fields: { id: { fake: person.fulName } }')
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('did you mean `person.fullName`?') })
    expect(await pipe(['schema', 'infer'], freshFolder())).toMatchObject({ code: 2 })
  })

  it('does not load Faker to be checked', async () => {
    const folder = project(spec(5))
    const main = JSON.stringify(join(import.meta.dirname, '../src/main.ts'))
    writeFileSync(
      join(folder, 'loads.mjs'),
      `import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
      const { main } = await import(${main})
      const io = { cwd: ${JSON.stringify(folder)}, env: {}, out() {}, err() {}, terminal: false, columns: 80 }
      for (const command of ['check', 'plan', 'run']) {
        const code = await main([command, 'shop.yaml'], { ...io, stopSignal: () => new AbortController().signal })
        console.log([command, code, loaded.some((url) => url.includes('/@faker-js/'))].join(' '))
      }`,
    )
    const args = ['--conditions=@millrace/source', 'loads.mjs']
    const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
    expect(stdout).toBe('check 0 false\nplan 0 false\nrun 0 true\n')
  })
})
