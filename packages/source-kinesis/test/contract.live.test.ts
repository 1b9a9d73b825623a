import { readFileSync } from 'node:fs'
import { liveUrl, sourceContract, type SourceSubject } from '@millrace/testkit'
import { describe } from 'vitest'
import { freshName, standIn, streamsAt } from './stand-in.ts'

const url = liveUrl('KINESIS')
const streams = streamsAt(url ?? 'http://127.0.0.1:1')
const schema = {
  fields: { n: { type: { kind: 'integer' }, optional: false }, when: { type: { kind: 'string' }, optional: true } },
} as const
const rows = Array.from({ length: 40 }, (_, n) => ({ n, when: n % 4 ? `1/${1 + (n % 28)}/2011` : null }))
const push = {
  columns: [
    { name: 'day', from: 'when', date: { step: 'dates', formats: ['M/d/yyyy'], zone: 'UTC', to: 'yyyy-MM-dd' } },
    { name: 'number', from: 'n' },
  ],
}
/** Those of the setup stand for those that were released. */
let identity = ''
let tenth = ''

/** Forty records with ids, the last followed by some that are no records of the schema. */
async function fill(stream: string, shards: number): Promise<void> {
  await streams.create(stream, shards)
  const space = 2n ** 128n / BigInt(shards)
  for (const row of rows) {
    const hash = space * BigInt(Math.floor((row.n * shards) / rows.length))
    const sequence = await streams.put(
      stream,
      `{"_millrace_id":"id ${row.n}",${JSON.stringify(row).slice(1)}`,
      'k',
      hash,
    )
    if (row.n === 9) tenth = sequence
  }
  for (const value of ['no json', '{"n":1.5}', Buffer.from([0xf3, 0x89, 0x9a, 0xc2, 1, 2])])
    await streams.put(stream, value, 'k', 2n ** 128n - 1n)
  identity = await streams.identity(stream)
}

const optionsOf = (stream: string, stop: string) => ({
  ...standIn(url!),
  stream,
  format: 'json',
  value_field: 'value',
  start: 'earliest',
  stop,
  on_gap: 'fail',
  max_records: 10,
})
const bad = [{ code: 'bad_json' }, { code: 'not_integer', field: 'n' }, { code: 'bad_encoding' }]
const released = readFileSync(new URL('positions.json', import.meta.url), 'utf8')
const positions = (): SourceSubject['positions'] =>
  JSON.parse(
    released.replaceAll('STREAM', identity).replaceAll('SEQUENCE', tenth).replaceAll('"NOW"', String(Date.now())),
  ) as SourceSubject['positions']
const module = new URL('../src/index.ts', import.meta.url)

describe.skipIf(!url)('on the stand-in', () => {
  for (const [stop, shards] of [
    ['end', 1],
    ['never', 3],
  ] as const) {
    sourceContract({
      module,
      type: 'kinesis',
      wire: { none: 'its keys are text, and it has neither headers nor records without a value' },
      get positions() {
        return positions()
      },
      async setup() {
        const stream = freshName('contract')
        await fill(stream, shards)
        return {
          options: optionsOf(stream, stop),
          schema,
          push,
          rows,
          bad,
          async replace() {
            await streams.remove(stream)
            await fill(stream, shards)
          },
        }
      },
    })
  }
})
