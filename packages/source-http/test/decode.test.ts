import type { RecordType } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { bodyDecoder, type Decoded } from '../src/decode.ts'

const schema: RecordType = {
  fields: { n: { type: { kind: 'bigint' }, optional: false }, text: { type: { kind: 'string' }, optional: true } },
}
const decode = (text: string, type = 'application/json') =>
  bodyDecoder({ schema, unknownFields: 'drop', root: '/', home: '/', profile: 'local', pipeline: 'p', id: 's', resolve: (p) => p })(
    Buffer.from(text),
    type,
  ) as Decoded

describe('a body', () => {
  it('that is an array is read item by item as it stands there: no number is rounded on the way', () => {
    const text = '\ufeff [ {"n": 9007199254740993, "text": "],\\"[{,"} ,\n{"text": null, "n":"2"}, {"text": {"a": [1, 2]}}]\r\n'
    const { rows, indexes, bad, list } = decode(text)
    expect(rows.map((row) => row['n'])).toEqual([9007199254740993n, 2n])
    expect(rows[0]!['text']).toBe('],"[{,')
    expect([indexes, list]).toEqual([[0, 1], true])
    expect(bad.map((b) => [b.position, b.code, b.field])).toEqual([
      [2, 'missing_value', 'n'],
      [2, 'not_string', 'text'],
    ])
  })

  it('of lines may have empty ones, and its bad items keep their bytes', () => {
    const { rows, indexes, bad } = decode('{"n": "1"}\r\n\n{"n": \n{"n": "3"}', 'application/x-ndjson; charset=utf-8')
    expect([rows.length, indexes]).toEqual([2, [0, 2]])
    expect(bad.map((b) => [b.position, b.code, Buffer.from(b.bytes).toString()])).toEqual([[1, 'bad_json', '{"n": ']])
  })

  it('that is empty, or an empty array, has no item', () => {
    expect(decode('[ ]').texts).toEqual([])
    expect(decode('\n', 'application/x-ndjson').texts).toEqual([])
  })
})
