/** Messages as people read them: laid out from their source text, so that nothing of it changes. */
import { expect, it } from 'vitest'
import { bytesOf, hexOf, laidOut } from '../src/raw.ts'

it('lays JSON out with all its digits, escapes, order and double names', () => {
  const text = '{"n":9007199254740993,"x":1.10,"b":"\\u0041{[,:]\\"","n":-0e1,"list":[1,[],{}],"deep":{"a":null}}'
  expect(laidOut(text)).toBe(`{
  "n": 9007199254740993,
  "x": 1.10,
  "b": "\\u0041{[,:]\\"",
  "n": -0e1,
  "list": [
    1,
    [],
    {}
  ],
  "deep": {
    "a": null
  }
}`)
  expect(laidOut(text)!.replaceAll(/\s/g, '')).toBe(text)
  expect(laidOut('[ ]')).toBe('[]')
  expect(laidOut('"a b"')).toBe('"a b"')
  expect(laidOut('{"a":1} x')).toBeUndefined()
  expect(laidOut('id,name')).toBeUndefined()
})

it('shows bytes with their offsets, also of what is no text', () => {
  expect(hexOf(bytesOf({ base64: btoa('\xff\x00a') }))).toBe(`000000  ff 00 61${' '.repeat(39)}  ..a`)
  expect(hexOf(bytesOf({ text: 'ä' }))).toContain('c3 a4')
  expect(hexOf(new Uint8Array(17)).split('\n')[1]).toMatch(/^000010 {2}00 /)
})
