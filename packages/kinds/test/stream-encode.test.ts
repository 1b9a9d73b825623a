/** Records as messages of a stream: with their keys and headers, and without a value where there is none. */
import { batch, type Headers, Records, type RecordType, type Row, type WriteFailure } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { type StreamEncoding, streamEncoder } from '../src/streams/encode.ts'

const field = (kind: 'string' | 'bytes' | 'integer' | 'json' | 'timestamp') => ({ type: { kind }, optional: true })
const schema: RecordType = {
  fields: {
    n: field('integer'),
    at: field('timestamp'),
    text: field('string'),
    raw: field('bytes'),
    any: field('json'),
  },
}
const notText = Buffer.of(0xc3, 0x28)

interface Given {
  readonly row: Row
  readonly headers?: Headers
  readonly tombstone?: boolean
}

function encode(given: readonly Given[], more: Partial<StreamEncoding> = {}) {
  const rows = given.map(({ row }) => row)
  const from = batch({
    split: 's',
    rows,
    positionAt: (i) => i,
    ...(given.some(({ headers }) => headers) ? { headersAt: (i: number) => given[i]!.headers } : {}),
    ...(given.some(({ tombstone }) => tombstone) ? { tombstoneAt: (i: number) => given[i]!.tombstone === true } : {}),
  })
  const failures: WriteFailure[] = []
  const records = new Records({ rows, from: [{ source: 'in', batch: from }], pipeline: 'p' })
  const written = streamEncoder({ schema, format: 'json', valueField: 'text', ...more })(records, failures)
  const messages = [...written].flatMap(({ indexes, body, starts, ends, keys, headers, nulls }) =>
    indexes.map((index, k) => ({
      index,
      key: keys[k],
      headers: headers?.[k] ?? undefined,
      value: nulls?.has(k) ? null : body.subarray(starts[k], ends[k]).toString(),
    })),
  )
  return { messages, failures: failures.map(({ index, code, field: at }) => ({ index, code, field: at })) }
}

describe('a record', () => {
  it('has the bytes of a field as its key, and those of two fields in text', () => {
    const rows = [{ row: { raw: notText } }, { row: { raw: Buffer.from('é') } }, { row: { raw: null } }]
    const { messages, failures } = encode(rows, { key: 'raw' })
    expect(messages.map(({ key }) => key)).toEqual([notText, 'é'])
    expect(failures).toEqual([{ index: 2, code: 'null_key', field: 'raw' }])
    expect(encode([{ row: { raw: notText, n: 1 } }], { key: ['raw', 'n'] }).messages[0]!.key).toBe('["wyg=",1]')
  })

  it('has the headers of a field, and none without one', () => {
    const of = { row: { n: 1, any: { b: 'x', c: null } }, headers: [['a', notText]] as const }
    expect(encode([of]).messages[0]).toMatchObject({ headers: undefined })
    expect(encode([of], { headersField: 'any' }).messages[0]).toMatchObject({
      headers: [
        ['b', 'x'],
        ['c', null],
      ],
      value: '{"n":1,"at":null,"text":null,"raw":null}',
    })
  })

  it('with a field that is no headers is bad, and the others are written with theirs', () => {
    const rows = [{ b: 'x' }, 5, { b: 1 }, null, ['b'], { b: null }].map((any, n) => ({ row: { n, any } }))
    const { messages, failures } = encode(rows, { headersField: 'any' })
    expect(messages.map(({ index, headers }) => [index, headers])).toEqual([
      [0, [['b', 'x']]],
      [3, undefined],
      [5, [['b', null]]],
    ])
    expect(failures).toEqual([1, 2, 4].map((index) => ({ index, code: 'bad_headers', field: 'any' })))
  })
})

describe('a record without a value', () => {
  const given: Given[] = [
    { row: { n: 0, text: 'a' } },
    { row: { n: 1, text: null }, tombstone: true },
    { row: { n: 2, text: null } },
    { row: { n: 3, text: '' } },
    { row: { n: 4, text: null }, tombstone: true },
    { row: { n: 5, text: 'half \ud83d', at: 9e15 } },
    { row: { n: 6, text: 'z' } },
  ]
  const values = ({ messages }: ReturnType<typeof encode>) => messages.map(({ index, value }) => [index, value])
  const wrong = ({ failures }: ReturnType<typeof encode>) =>
    failures.map(({ index, code }) => [index, code]).toSorted(([a], [b]) => Number(a) - Number(b))
  const json = (n: number, text: string | null) => JSON.stringify({ n, at: null, text, raw: null, any: null })

  it('is written without one, bad, or left out, as on_null says', () => {
    const objects = (onNull?: StreamEncoding['onNull']) => encode(given, { onNull })
    const [first, third, fourth, last] = [
      [0, json(0, 'a')],
      [2, json(2, null)],
      [3, json(3, '')],
      [6, json(6, 'z')],
    ]
    for (const onNull of ['write', undefined] as const) {
      expect(values(objects(onNull))).toEqual([first, [1, null], third, fourth, [4, null], last])
      expect(wrong(objects(onNull))).toEqual([[5, 'out_of_range']])
    }
    expect(values(objects('skip'))).toEqual([first, third, fourth, last])
    expect(wrong(objects('skip'))).toEqual([[5, 'out_of_range']])
    expect(values(objects('error'))).toEqual([first, third, fourth, last])
    expect(wrong(objects('error'))).toEqual([
      [1, 'tombstone'],
      [4, 'tombstone'],
      [5, 'out_of_range'],
    ])
  })

  it('that is text is one whose field is null; one that came with a value is written without only if told to', () => {
    const texts = (onNull?: StreamEncoding['onNull']) => encode(given, { format: 'text', onNull })
    expect(values(texts())).toEqual([
      [0, 'a'],
      [1, null],
      [3, ''],
      [4, null],
      [6, 'z'],
    ])
    expect(wrong(texts())).toEqual([
      [2, 'missing_value'],
      [5, 'bad_text'],
    ])
    expect(values(texts('write'))).toEqual([
      [0, 'a'],
      [1, null],
      [2, null],
      [3, ''],
      [4, null],
      [6, 'z'],
    ])
    expect(values(texts('skip'))).toEqual([
      [0, 'a'],
      [3, ''],
      [6, 'z'],
    ])
    expect(wrong(texts('error'))).toEqual([
      [1, 'tombstone'],
      [2, 'missing_value'],
      [4, 'tombstone'],
      [5, 'bad_text'],
    ])
  })
})
