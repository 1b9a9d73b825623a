/** Rows of stores in the console: searched, sorted, found by their position, exported whole. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DataPage } from '@millrace/console/wire'
import { describe, expect, it } from 'vitest'
import { freshFolder, pipe } from '../terminal.ts'
import { open } from './console.ts'

const rows = '/api/collections/store/sums'

async function project(lines: readonly string[]): Promise<string> {
  const folder = freshFolder()
  mkdirSync(join(folder, 'pipelines'))
  writeFileSync(
    join(folder, 'millrace.yaml'),
    'name: shop\nconnections:\n  store: { type: sqlite, config: { path: store.db } }\n',
  )
  writeFileSync(join(folder, 'sums.csv'), `id,name,price,at\n${lines.join('\n')}\n`)
  writeFileSync(
    join(folder, 'pipelines', 'sums.yaml'),
    `version: 1
name: sums
source:
  type: csv
  config: { path: sums.csv }
  schema: { fields: { id: bigint, name: string, price: "decimal(10,2)", at: timestamp } }
sinks: { sums: { connection: store, config: { collection: sums, key: [id] } } }
`,
  )
  expect(await pipe(['run', 'sums'], folder)).toMatchObject({ code: 0 })
  return folder
}

const three = [
  '9007199254740993,=HYPERLINK(1),-1.50,2026-03-01T00:00:00Z',
  '9007199254740992,Ada,12.00,2026-03-01T10:00:00Z',
  '7,"a, b",0.10,2026-02-28T23:59:59Z',
]
const beside = ['console', '--port', '0', '--json']

describe('rows in the console', { timeout: 90_000 }, () => {
  it('are searched and sorted by what is written, with all digits, and wrong searches say where', async () => {
    const { ask, signIn } = await open(beside, await project(three))
    await signIn()
    expect((await ask('/api/collections')).json()).toMatchObject({
      collections: [{ place: 'store', collection: 'sums', type: 'sqlite', writtenBy: ['sums'], canQuery: true }],
    })
    const found = async (query: Record<string, string>) =>
      (await ask(`${rows}/rows?${new URLSearchParams(query)}`)).json<DataPage & { rows: unknown[][] }>()
    expect((await found({ where: 'id == 9007199254740993' })).rows).toEqual([
      ['9007199254740993', '=HYPERLINK(1)', '-1.50', '2026-03-01T00:00:00.000Z'],
    ])
    expect((await found({ sort: '-id' })).rows.map(([id]) => id)).toEqual(['9007199254740993', '9007199254740992', '7'])
    expect((await found({ sort: 'price' })).rows.map(([, , price]) => price)).toEqual(['-1.50', '0.10', '12.00'])
    expect(await found({ where: 'nam == "Ada"' })).toEqual({
      problems: [expect.objectContaining({ clause: 'where', code: 'unknown_field', span: [0, 3] })],
    })
    expect(await found({ where: 'id == "7"' })).toMatchObject({ problems: [{ clause: 'where' }] })
    expect((await ask(`${rows}/count?where=${encodeURIComponent('price > 0.0')}`)).json()).toEqual({ rows: 2 })
    const { json } = (await ask(`${rows}/row?at=0&sort=-id`)).json<{ json: string }>()
    expect(json).toContain('"id": "9007199254740993"')
    expect((await ask('/api/collections/store/none/rows')).status).toBe(404)
  })

  it('are one answer over all its pages, though the collection changes', async () => {
    const lines = Array.from({ length: 1200 }, (_, i) => `${i},n${i},1.00,2026-03-01T00:00:00Z`)
    const folder = await project(lines)
    const { ask, signIn } = await open(beside, folder)
    await signIn()
    const page = async (query: string) =>
      (await ask(`${rows}/rows?sort=id&${query}`)).json<Extract<DataPage, { id: string }>>()
    const first = await page('')
    expect([first.kept, first.rows.length, first.isCut]).toEqual([1200, 500, false])
    writeFileSync(join(folder, 'sums.csv'), 'id,name,price,at\n-1,new,1.00,2026-03-01T00:00:00Z\n')
    expect(await pipe(['run', 'sums'], folder)).toMatchObject({ code: 0 })
    const last = await page(`id=${first.id}&from=1000`)
    expect([last.id, last.rows.length, last.rows.at(-1)![0]]).toEqual([first.id, 200, '1199'])
    // Another look is another answer.
    expect((await page('')).rows[0]![0]).not.toBe('0')
  })

  it('are exported whole, as CSV that no spreadsheet runs and as JSON lines', async () => {
    const { ask, signIn } = await open(beside, await project(three))
    await signIn()
    const csv = await ask(`${rows}/export?format=csv&sort=id`)
    expect(csv.headers['content-disposition']).toBe('attachment; filename="sums.csv"')
    expect(csv.text.split('\r\n')).toEqual([
      'id,name,price,at',
      '7,"a, b",0.10,2026-02-28T23:59:59.000Z',
      '9007199254740992,Ada,12.00,2026-03-01T10:00:00.000Z',
      "9007199254740993,'=HYPERLINK(1),-1.50,2026-03-01T00:00:00.000Z",
      '',
    ])
    const lines = (await ask(`${rows}/export?format=jsonl&where=${encodeURIComponent('price < 0.0')}`)).text
    expect(JSON.parse(lines)).toMatchObject({ id: '9007199254740993', name: '=HYPERLINK(1)', price: '-1.50' })
    // One that is wrong is no file.
    const wrong = await ask(`${rows}/export?where=nam`)
    expect([wrong.status, wrong.headers['content-disposition']]).toEqual([422, undefined])
  })
})
