import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { partsFromMs } from '../src/date/calendar.ts'
import { readPattern, type PatternToken } from '../src/date/pattern.ts'
import { newRead } from '../src/date/pieces.ts'
import { interpretedPrint, printerOf } from '../src/date/print.ts'
import { interpretedReader, tokenReader } from '../src/date/tokens.ts'
import { zone } from '../src/date/zone.ts'

const patterns = [
  'M/d/yyyy H:mm',
  'dd-MM-yy HH:m:ss',
  'yyyyMMddHHmmssSSS',
  "EEEE, d MMMM yyyy 'at' h:mm a",
  "E d MMM yyyy h 'o''clock' a XXX",
  'yyyy-MM-dd HH:mm:ss.SSSSSS x',
  'd.M.yyyy hh a X',
  'yyyy-MM-dd H VV',
]
const pattern = fc.constantFrom(...patterns)
const instant = fc.integer({ min: -4_000_000_000, max: 8_000_000_000 }).map((s) => s * 1000 + 70)
const tokensOf = (text: string) => readPattern(text) as readonly PatternToken[]
const berlin = zone('Europe/Berlin')

function printed(ms: number, text: string): [generated: string, interpreted: string] {
  const parts = newRead()
  partsFromMs(ms + berlin.offsetAt(ms), parts)
  return [printerOf(text, berlin).print(parts, ms), interpretedPrint(tokensOf(text), berlin)(parts, ms)]
}

it('prints the same with and without generated code', () => {
  fc.assert(
    fc.property(instant, pattern, (ms, text) => {
      const [generated, interpreted] = printed(ms, text)
      expect(generated).toBe(interpreted)
    }),
  )
})

it('reads the same with and without generated code, even texts that are nearly right', () => {
  const change = fc.tuple(fc.nat(40), fc.constantFrom('', '0', '9', ' ', '/', ':', 'a', '-', '\u00e9'))
  const readers = new Map(
    patterns.map((text) => [
      text,
      [tokenReader(tokensOf(text), false), interpretedReader(tokensOf(text), false)] as const,
    ]),
  )
  fc.assert(
    fc.property(instant, pattern, pattern, fc.option(change), (ms, from, by, changed) => {
      const [right] = printed(ms, from)
      const text = changed ? right.slice(0, changed[0]) + changed[1] + right.slice(changed[0] + 1) : right
      const [generated, interpreted] = readers.get(by)!
      const [a, b] = [newRead(), newRead()]
      expect(generated(text, a)).toBe(interpreted(text, b))
      if (generated(text, a)) expect(a).toEqual(b)
      if (!changed && from === by) expect(generated(right, a)).toBe(true)
    }),
    { numRuns: 3000 },
  )
})
