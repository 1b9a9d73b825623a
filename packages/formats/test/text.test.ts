import { MillraceError } from '@millrace/core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { badEncoding, byteOrderMark, decodeText, encodeText, encodings } from '../src/text.ts'

describe('text encodings', () => {
  it('decode what they encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...encodings), (text, encoding) => {
        const bytes = encodeText(text, encoding)
        if (bytes) expect(decodeText(bytes, encoding)).toBe(text)
        else expect(encoding === 'latin1' || encoding === 'windows-1252' || !text.isWellFormed()).toBe(true)
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it('refuse what TextDecoder refuses', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 8 }),
        fc.constantFrom('utf-8' as const, 'utf-16le' as const),
        (bytes, encoding) => {
          let expected: string | undefined
          try {
            expected = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes)
          } catch {}
          expect(decodeText(bytes, encoding)).toBe(expected)
        },
      ),
      { seed: 2, numRuns: 2000 },
    )
  })

  it('name the wrong byte and the option', () => {
    expect(badEncoding(Buffer.from('caf\xe9', 'latin1'), 'utf-8', 'name')).toMatchObject({
      code: 'bad_encoding',
      field: 'name',
      message: expect.stringMatching(/not utf-8 \(0xE9 at byte 3 .* option encoding/),
    })
    expect(badEncoding(Buffer.from([0x41, 0, 0, 0xd8, 0x42, 0]), 'utf-16le').message).toMatch(/at byte 2 /)
    expect(badEncoding(Buffer.from([0, 0x41, 0]), 'utf-16be').message).toMatch(/at byte 2 /)
  })

  it('accept their own byte order mark and refuse that of another', () => {
    expect(byteOrderMark(Buffer.from([0xef, 0xbb, 0xbf, 0x41]), 'utf-8')).toBe(3)
    expect(byteOrderMark(Buffer.from([0xfe, 0xff]), 'utf-16be')).toBe(2)
    expect(byteOrderMark(Buffer.from('AB'), 'utf-8')).toBe(0)
    expect(() => byteOrderMark(Buffer.from([0xff, 0xfe, 0x41, 0]), 'utf-8')).toThrow(MillraceError)
    expect(() => byteOrderMark(Buffer.from([0xef, 0xbb, 0xbf, 0x41]), 'latin1')).toThrow(/byte order mark of utf-8/)
  })
})
