import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import {
  freshRead,
  isBatch,
  type Env,
  parseRecordType,
  type Push,
  recordText,
  type Row,
  type SourceDefinition,
} from '@millrace/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import definitions from '../src/index.ts'

const definition = definitions[0] as SourceDefinition
const live = new AbortController().signal
const defaults = {
  after_read: 'keep',
  delimiter: ',',
  quote: '"',
  header: true,
  encoding: 'utf-8',
  nulls: [''],
  ragged: 'error',
  max_record_size: 1 << 20,
}
let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-csv-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
const env = (): Env => ({
  root,
  home: join(root, '.millrace/local'),
  profile: 'local',
  pipeline: 'p',
  id: 's',
  resolve: (path) => resolve(root, path),
})

describe('source csv', () => {
  it('says what it can do', () => {
    expect(definition.capabilities({ ...defaults, path: 'a.csv' })).toEqual({
      bounded: true,
      replayable: true,
      lanes: 'one',
      contentSplits: true,
      newSplits: true,
      pushdown: true,
    })
    expect(definition.capabilities({ ...defaults, path: 'a.csv', after_read: 'delete' })).toMatchObject({
      commit: 'action',
    })
    expect(definition.capabilities({ ...defaults, path: 'a.csv', watch: 10_000 })).toMatchObject({ bounded: false })
    expect(definition.check!({ ...defaults, path: '-', watch: 0 }, env())).toMatchObject([
      { code: 'bad_value', at: ['watch'], message: expect.stringContaining('standard input') },
      { code: 'bad_value', at: ['watch'], expected: expect.stringContaining('10s') },
    ])
    expect(definition.check!({ ...defaults, path: 'a.csv', delimiter: '::' }, env())).toMatchObject([
      { code: 'bad_value', at: ['delimiter'] },
    ])
    expect(definition.check!({ ...defaults, path: 'a.csv' }, env())).toEqual([])
  })

  it('infers types from the first file, and says what is there', async () => {
    writeFileSync(join(root, 'a.csv'), 'n;name\n1;x\n2;\n')
    const options = { ...defaults, path: '*.csv', delimiter: ';' }
    expect(recordText(await definition.infer!(options, env(), live))).toBe('{ n: integer, name: string? }')
    expect(await definition.probe!(options, env(), live)).toBe('1 file, 0.0 MB')
  })

  it('reads standard input, once, under ids that no other run has', async () => {
    const read = async (input: string | undefined, ...args: string[]) => {
      const child = spawn(
        process.execPath,
        ['--conditions=@millrace/source', '--no-warnings', join(import.meta.dirname, 'stdin.ts'), ...args],
        {
          stdio: ['pipe', 'pipe', 'inherit'],
        },
      )
      let text = ''
      child.stdout.on('data', (chunk) => (text += chunk))
      if (input !== undefined) child.stdin.end(input)
      const [code] = await once(child, 'close')
      expect(code).toBe(0)
      return JSON.parse(text) as {
        rows: Row[]
        splits: { id: string }[]
        positions: number
        capabilities: object
        error: string
      }
    }
    const seen = await read('a,b\n1,x\n2,y\n')
    expect(seen).toMatchObject({
      rows: [{ a: 1 }, { a: 2 }],
      positions: 0,
      error: '',
      capabilities: { replayable: false },
    })
    expect(seen.splits).toMatchObject([{ id: expect.stringMatching(/^stdin#[0-9a-f]{16}$/) }])
    expect((await read('a,b\n1,x\n2,y\n')).splits[0]!.id).not.toBe(seen.splits[0]!.id)
    // The pipe stays open and silent: the abort alone ends it.
    expect(await read(undefined, 'abort')).toMatchObject({ rows: [], error: 'AbortError' })
  })
})

const data = process.env['MILLRACE_DATA']
const retail = data ? join(data, 'online-retail.csv.gz') : ''
if (!data)
  console.warn(
    'SKIPPED: the facts of the real data. Set MILLRACE_DATA to the folder of online-retail.csv.gz to check them.',
  )

describe.skipIf(!existsSync(retail))('source csv on the real retail file', () => {
  const schema = parseRecordType({
    fields: {
      InvoiceNo: 'string',
      StockCode: 'string',
      Description: 'string?',
      Quantity: 'integer',
      InvoiceDate: 'string',
      UnitPrice: 'decimal(10,3)',
      CustomerID: 'integer?',
      Country: 'string',
    },
  }).type
  const push = (format: string): Push => ({
    columns: Object.keys(schema.fields).map((name) => ({
      name,
      from: name,
      ...(name === 'InvoiceDate'
        ? { date: { step: 'dates', formats: [format], zone: 'UTC', to: 'yyyy-MM-dd HH:mm:ss' } }
        : {}),
    })),
  })

  async function facts(path: string, format: string) {
    const source = definition.create(
      { ...defaults, path, encoding: 'latin1' },
      { ...env(), schema, unknownFields: 'drop', push: push(format) },
    )
    const found = {
      rows: 0,
      bad: 0,
      noCustomer: 0,
      noDescription: 0,
      credits: 0,
      pounds: 0,
      quantity: 0,
      mils: 0n,
      first: '',
      last: '',
    }
    const distinct = {
      invoices: new Set<unknown>(),
      codes: new Set<unknown>(),
      customers: new Set<unknown>(),
      countries: new Set<unknown>(),
      dates: new Set<unknown>(),
    }
    for await (const batch of source.read(freshRead(live))) {
      if (!isBatch(batch)) continue
      found.bad += batch.bad?.length ?? 0
      for (const row of batch.rows) {
        found.rows++
        if (row['CustomerID'] === null) found.noCustomer++
        if (row['Description'] === null) found.noDescription++
        if ((row['InvoiceNo'] as string).startsWith('C')) found.credits++
        found.pounds += ((row['Description'] as string | null)?.split('£').length ?? 1) - 1
        found.quantity += row['Quantity'] as number
        found.mils += BigInt(row['Quantity'] as number) * BigInt((row['UnitPrice'] as string).replace('.', ''))
        distinct.invoices.add(row['InvoiceNo'])
        distinct.codes.add(row['StockCode'])
        if (row['CustomerID'] !== null) distinct.customers.add(row['CustomerID'])
        distinct.countries.add(row['Country'])
        distinct.dates.add(row['InvoiceDate'])
        found.first ||= row['InvoiceDate'] as string
        found.last = row['InvoiceDate'] as string
      }
    }
    const { mils, ...counts } = found
    return {
      ...counts,
      cents: (mils + 5n) / 10n,
      ...Object.fromEntries(Object.entries(distinct).map(([name, set]) => [name, set.size])),
    }
  }

  it('finds the facts that were counted independently, plain and compressed', async () => {
    writeFileSync(join(root, 'retail.csv'), gunzipSync(readFileSync(retail)))
    const expected = {
      rows: 541_909,
      bad: 0,
      noCustomer: 135_080,
      noDescription: 1454,
      credits: 9288,
      pounds: 32,
      quantity: 5_176_450,
      cents: 974_774_793n,
      first: '2010-12-01 08:26:00',
      last: '2011-12-09 12:50:00',
      invoices: 25_900,
      codes: 4070,
      customers: 4372,
      countries: 38,
      dates: 23_260,
    }
    const plain = await facts('retail.csv', 'M/d/yyyy H:mm')
    expect(plain).toEqual(expected)
    expect(await facts(retail, 'M/d/yyyy H:mm')).toEqual(plain)
  })

  it('fails what no day-first date can be', async () => {
    expect(await facts('retail.csv', 'd/M/yyyy H:mm')).toMatchObject({ bad: 308_950, rows: 541_909 - 308_950 })
  })
})
