import type { RecordType } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { bodyDecoder, type Decoded } from '../src/decode.ts'

const schema: RecordType = {
  fields: { n: { type: { kind: 'bigint' }, optional: false }, text: { type: { kind: 'string' }, optional: true } },
}
const decode = (text: string, type = 'application/json') =>
  bodyDecoder(
    {
      schema,
      unknownFields: 'drop',
      root: '/',
      home: '/',
      profile: 'local',
      pipeline: 'p',
      id: 's',
      resolve: (p) => p,
    },
    10_000,
  )(Buffer.from(text), type) as Decoded

describe('a body', () => {
  it('that is an array is read item by item as it stands there: no number is rounded on the way', () => {
    const text =
      '\ufeff [ {"n": 9007199254740993, "text": "],\\"[{,"} ,\n{"text": null, "n":"2"}, {"text": {"a": [1, 2]}}]\r\n'
    const { rows, indexes, faults, list } = decode(text)
    expect(rows.map((row) => row['n'])).toEqual([9007199254740993n, 2n])
    expect(rows[0]!['text']).toBe('],"[{,')
    expect([indexes, list]).toEqual([[0, 1], true])
    expect([...faults]).toMatchObject([
      [
        2,
        [
          { code: 'missing_value', field: 'n' },
          { code: 'not_string', field: 'text' },
        ],
      ],
    ])
  })

  it('of lines may have empty ones, and its bad items keep their bytes', () => {
    const { rows, indexes, faults, texts } = decode(
      '{"n": "1"}\r\n\n{"n": \n{"n": "3"}',
      'application/x-ndjson; charset=utf-8',
    )
    expect([rows.length, indexes]).toEqual([2, [0, 2]])
    expect([...faults]).toMatchObject([[1, [{ code: 'bad_json' }]]])
    expect(texts[1]).toBe('{"n": ')
  })

  it('is read alike whether its items are all right or not', () => {
    const items = Array.from({ length: 2500 }, (_, n) => `{"n":"${n}","text":"é ${n}"}`)
    const right = decode(items.join('\n'), 'application/x-ndjson')
    const oneIsNot = decode([...items, '{"n":1.5}'].join('\n'), 'application/x-ndjson')
    expect(right.rows).toEqual(oneIsNot.rows)
    expect(right.rows[2499]).toEqual({ n: 2499n, text: 'é 2499' })
    expect([right.indexes, right.texts]).toEqual([oneIsNot.indexes, items])
    expect([...oneIsNot.faults.keys()]).toEqual([2500])
    for (const text of [items[7]!, `${items[7]!}\n`, `[${items[7]!}]`, `\ufeff${items[7]!}`])
      expect(decode(text).rows).toEqual([right.rows[7]])
  })

  it('may not have a key twice: nobody knows which is meant', () => {
    const twice = '{"n":"1","text":"a","n":"2"}'
    for (const [text, type] of [[twice], [`[${twice}]`], [`{"n":"3"}\n${twice}`, 'application/x-ndjson']] as const)
      expect([...decode(text, type).faults.values()]).toMatchObject([[{ code: 'duplicate_key', field: 'n' }]])
  })

  it('that is empty, or an empty array, has no item', () => {
    expect(decode('[ ]').texts).toEqual([])
    expect(decode('\n', 'application/x-ndjson').texts).toEqual([])
  })
})
