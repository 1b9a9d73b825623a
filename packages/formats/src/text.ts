/**
 * Strict text encodings: bytes that are invalid in the declared encoding are an error that names the option, never
 * U+FFFD.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { DataError, MillraceError } from '@millrace/core'

/**
 * The values of the option `encoding`. `latin1` is ISO-8859-1: each byte is the character with that number. Bytes 80 to
 * 9F are control characters there and are refused: text that has them is usually windows-1252, mislabelled.
 */
export const encodings = ['utf-8', 'latin1', 'windows-1252', 'utf-16le', 'utf-16be'] as const
export type Encoding = (typeof encodings)[number]

/** Bytes of one code unit; offsets of delimiters are multiples of it. */
export const unitBytes = (encoding: Encoding): 1 | 2 => (encoding.startsWith('utf-16') ? 2 : 1)

/** The bytes as text; undefined if they are invalid in that encoding. A byte order mark is part of the text here. */
export function decodeText(bytes: Uint8Array, encoding: Encoding): string | undefined {
  const buffer = asBuffer(bytes)
  switch (encoding) {
    case 'latin1':
    case 'windows-1252': {
      const text = bytesAsCharacters(buffer, encoding)
      return text.isWellFormed() ? text : undefined
    }
    case 'utf-8':
      return isAscii(buffer) ? buffer.toString('latin1') : isUtf8(buffer) ? buffer.toString('utf8') : undefined
    default: {
      if (buffer.length % 2) return undefined
      const text = (encoding === 'utf-16le' ? buffer : swapped(buffer)).toString('utf16le')
      return text.isWellFormed() ? text : undefined
    }
  }
}

/** The text as bytes; undefined if the encoding lacks a character, or the text has an unpaired surrogate. */
export function encodeText(text: string, encoding: Encoding): Uint8Array | undefined {
  if (!text.isWellFormed()) return undefined
  if (encoding === 'latin1' || encoding === 'windows-1252') {
    const bytes = Buffer.from(
      text.replaceAll(/[^\0-\x7f\xa0-\xff]/g, (character) => byteOf(character, encoding)),
      'latin1',
    )
    return decodeText(bytes, encoding) === text ? bytes : undefined
  }
  if (encoding === 'utf-8') return Buffer.from(text, 'utf8')
  const bytes = Buffer.from(text, 'utf16le')
  return encoding === 'utf-16le' ? bytes : bytes.swap16()
}

/** The characters of bytes 80 to 9F; an unpaired surrogate if there is none. */
const c1 = {
  latin1: '\ud800'.repeat(32),
  'windows-1252':
    '\u20ac\ud800\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\ud800\u017d\ud800' +
    '\ud800\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\ud800\u017e\u0178',
} as const

/** Decodes an encoding with one byte per character; bytes without a character become unpaired surrogates. */
export function bytesAsCharacters(bytes: Buffer, encoding: keyof typeof c1): string {
  const text = bytes.toString('latin1')
  if (isAscii(bytes)) return text
  return text.replaceAll(/[\x80-\x9f]/g, (character) => c1[encoding][character.charCodeAt(0) - 0x80]!)
}

const byteOf = (character: string, encoding: keyof typeof c1): string =>
  String.fromCharCode(0x80 + c1[encoding].indexOf(character))

/** The same memory as a Buffer, which has faster decoders. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** UTF-16 of the other byte order, as a copy. */
export const swapped = (bytes: Uint8Array): Buffer => Buffer.from(bytes).swap16()

const marks: readonly (readonly [Encoding, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]

/**
 * The length of the byte order mark at the start of an input: 0, 2 or 3. Throws `MillraceError` `bad_encoding` for the
 * mark of a different encoding: every record would be misread.
 */
export function byteOrderMark(start: Uint8Array, encoding: Encoding): number {
  for (const [marked, mark] of marks) {
    if (!mark.every((byte, i) => start[i] === byte)) continue
    if (marked === encoding) return mark.length
    throw new MillraceError(
      'bad_encoding',
      `the input begins with the byte order mark of ${marked}, but is read as ${encoding}`,
      {
        hint: `set the option encoding: ${marked}`,
      },
    )
  }
  return 0
}

/**
 * The error for bytes for which `decodeText` returned undefined: a `DataError` `bad_encoding` that names the first
 * invalid byte and the option.
 */
export function badEncoding(bytes: Uint8Array, encoding: Encoding, field?: string): DataError {
  const at = firstBad(bytes, encoding)
  const found =
    at === undefined ? '' : ` (0x${bytes[at]!.toString(16).toUpperCase().padStart(2, '0')} at byte ${at} of it)`
  const other = likely.find((one) => one !== encoding && decodeText(bytes, one) !== undefined)
  return new DataError(
    'bad_encoding',
    `the bytes are not ${encoding}${found}${other === undefined ? '' : `; is the option encoding right, for example encoding: ${other}?`}`,
    field,
  )
}

/** Encodings to suggest, the most likely first. */
const likely: readonly Encoding[] = ['utf-8', 'windows-1252', 'latin1']

/** The first byte at which the text becomes invalid. */
function firstBad(bytes: Uint8Array, encoding: Encoding): number | undefined {
  if (encoding === 'latin1' || encoding === 'windows-1252') {
    const at = bytes.findIndex((byte) => decodeText(Uint8Array.of(byte), encoding) === undefined)
    return at < 0 ? undefined : at
  }
  if (encoding === 'utf-8') {
    for (let i = 0; i < bytes.length; ) {
      let size = 1
      while (size <= 4 && !isUtf8(bytes.subarray(i, i + size))) size++
      if (size > 4) return i
      i += size
    }
    return undefined
  }
  const units = bytes.length >> 1
  const high = encoding === 'utf-16le' ? 1 : 0
  const kind = (unit: number) => (unit < units ? bytes[2 * unit + high]! & 0xfc : 0)
  for (let unit = 0; unit < units; unit++) {
    if (kind(unit) === 0xdc) return 2 * unit
    if (kind(unit) === 0xd8 && kind(++unit) !== 0xdc) return 2 * unit - 2
  }
  return bytes.length % 2 ? bytes.length - 1 : undefined
}
