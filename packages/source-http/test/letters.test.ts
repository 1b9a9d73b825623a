/** Typed rows come back equal from the bytes that a dead letter keeps, whichever way their request was read. */
import { freshRead, isBatch, type Batch, type RecordType } from '@millrace/core'
import { freePort, sameRows } from '@millrace/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { sourceHttp } from '../src/source.ts'
import { configOf, contextOf, listening } from './run-gateway.ts'

const optional = (type: RecordType['fields'][string]['type']) => ({ type, optional: true })
const everyType: RecordType = {
  fields: {
    id: { type: { kind: 'integer' }, optional: false },
    at: optional({ kind: 'timestamp' }),
    day: optional({ kind: 'date' }),
    price: optional({ kind: 'decimal', precision: 12, scale: 2 }),
    large: optional({ kind: 'bigint' }),
    ratio: optional({ kind: 'number' }),
    raw: optional({ kind: 'bytes' }),
    list: optional({ kind: 'list', of: { type: { kind: 'timestamp' }, optional: true } }),
    any: optional({ kind: 'json' }),
  },
}
const texts = [
  '{"id":1,"at":"2024-06-01T10:00:00.123Z","day":"2024-06-01","price":"12.50","large":"9007199254740993","ratio":1.5}',
  '{"id":2,"raw":"AAEC/w==","list":["2024-06-01T10:00:00Z",null],"any":{"a":["é",null]},"price":-0.5}',
  '{ "ratio": 1e-7, "large": 7, "id": 3, "unknown": [1, {"a": 2}], "at": "2024-06-01T12:00:00+02:00" }',
]
const wrong = [
  '{"id":4,"at":"yesterday"}',
  '{"id":5,"price":"1.555"}',
  '{"id":6,"id":7}',
  '{"id":',
  '[1]',
  '{"at":null}',
]

/** What the gateway makes of these bodies, one batch each. */
async function batchesOf(bodies: readonly (readonly [type: string, text: string])[]): Promise<Batch[]> {
  const address = `127.0.0.1:${await freePort()}`
  const source = sourceHttp.create(configOf(address, { max_body: 1 << 20 }), contextOf('/', everyType))
  const stop = new AbortController()
  onTestFinished(async () => {
    stop.abort()
    await source.close!()
  })
  const batches: Batch[] = []
  const reading = (async () => {
    for await (const given of source.read(freshRead(stop.signal))) {
      if (!isBatch(given)) continue
      batches.push(given)
      if (batches.length === bodies.length) return
    }
  })()
  await listening(address)
  for (const [type, body] of bodies)
    void fetch(`http://${address}/invoices`, { method: 'POST', headers: { 'content-type': type }, body }).catch(
      () => {},
    )
  await reading
  return batches
}

it('a row decodes from its bytes to a row equal in every field, and a bad item fails by the same code', async () => {
  const lines = 'application/x-ndjson'
  const json = 'application/json'
  const all = [...texts, ...wrong]
  const bodies = [
    ...all.map((text) => [json, text] as const),
    [lines, texts.join('\n')] as const,
    [lines, all.join('\r\n\n')] as const,
    [json, `[${[...texts, ...wrong.filter((text) => text !== '{"id":')].join(' ,\n ')}]`] as const,
    [json, `\ufeff ${texts[0]!}\n`] as const,
  ].filter(([type, text]) => type === lines || !text.startsWith('[1'))
  const batches = await batchesOf(bodies)
  const decode = sourceHttp.decoder!(configOf('x:1'), contextOf('/', everyType))
  let rows = 0
  let bad = 0
  for (const batch of batches) {
    for (const [i, row] of batch.rows.entries()) {
      rows++
      sameRows([decode(batch.rawAt!(i), undefined)], [row], Buffer.from(batch.rawAt!(i)).toString())
    }
    for (const { bytes, code, field, position } of batch.bad ?? []) {
      bad++
      expect(() => decode(bytes, undefined), `item ${position}`).toThrow(expect.objectContaining({ code, field }))
    }
  }
  expect([rows, bad]).toEqual([13, 16])
})
