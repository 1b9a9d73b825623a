import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decodeIds, encodeIds, idsHeaderBytes, idsText } from '../src/endpoints/ids.ts'

const positions = (n: number) => Array.from({ length: n }, (_, i) => `invoices/source/data/2011-12.csv:9f3c@${i * 73}`)
const packed = (value: unknown) => deflateRawSync(JSON.stringify(value)).toString('base64url')

describe('the ids of a request', () => {
  const cases: [string, string[]][] = [
    ['by position', positions(500)],
    ['of one record', ['p/s/a@1']],
    ['of no record', []],
    ['equal ones', ['p/step/["x"]', 'p/step/["x"]']],
    ['one that begins another', ['p/s/a@1', 'p/s/a@1#step.0', 'p/s/a@12']],
    ['with nothing in common', ['a/b/c@1', 'x/y/z@2']],
    ['of any Unicode', ['p/s/Zürich 東京 \u{1F600}@1', 'p/s/Zürich 東京 \u{1F601}@1', '\ud83d', '\udc00"\\\n\0']],
  ]
  it.each(cases)('%s are decoded unchanged', (_what, ids) => {
    const value = encodeIds(ids)!
    expect(value).toMatch(/^[A-Za-z0-9_-]*$/)
    expect(decodeIds(value, ids.length)).toEqual(ids)
  })

  it('make the same text in whatever parts they are passed', () => {
    const ids = ['p/s/a@100', 'p/s/a@101', 'p/s/a@1099']
    const text = idsText({ common: '', rests: ids })
    expect(text).toBe('["p/s/a@10",["0","1","99"]]')
    expect(idsText({ common: 'p/s/a@', rests: [100, 101, 1099] })).toBe(text)
    expect(encodeIds({ common: 'p/s/a@', rests: [100, 101, 1099] })).toBe(encodeIds(ids))
  })

  it('are short where they are positions, and are refused where a header could not hold them', () => {
    expect(encodeIds(positions(500))!.length).toBeLessThan(2100)
    const random = Array.from({ length: 500 }, () => crypto.randomUUID())
    expect(encodeIds(random)).toBeUndefined()
    expect(encodeIds(random.slice(0, 125))!.length).toBeLessThanOrEqual(idsHeaderBytes)
    expect(encodeIds(['x'.repeat(5000)])).toBeUndefined()
  })

  it.each([
    ['another number of ids', packed(['p', ['1', '2']]), 3],
    ['no deflated text', 'never', 1],
    ['a part of it', packed(['p/s/a@', ['1', '2', '3']]).slice(0, -4), 3],
    ['no JSON', deflateRawSync('[1,').toString('base64url'), 1],
    ['bytes that are no UTF-8', deflateRawSync(Buffer.from('["\xff",["1"]]', 'latin1')).toString('base64url'), 1],
    ['another JSON', packed({ 0: 'p', 1: ['1'], length: 2 }), 1],
    ['numbers', packed(['p', [1]]), 1],
    ['an empty id', packed(['', ['']]), 1],
    ['an id of a million characters', packed(['x'.repeat(1e6), ['1']]), 1],
    ['a longer header', 'A'.repeat(idsHeaderBytes + 1), 1],
  ])('are an error of the request for %s', (_what, value, count) => {
    expect(() => decodeIds(value, count)).toThrow(expect.objectContaining({ name: 'DataError', code: 'bad_ids' }))
  })
})
