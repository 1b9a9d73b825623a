/** Functions on text. Characters are code points. */
import { DataError } from '../../errors/index.ts'
import { pattern } from '../values/pattern.ts'
import { checkLength, maxText } from '../values/cost.ts'
import { sizeOfText, sliceText } from '../values/text.ts'
import { type FunctionEntry, written } from './entry.ts'

function substring(text: string, from: number, to = Infinity): string {
  if (from < 0 || to < 0)
    throw new DataError(
      'out_of_range',
      `substring from ${from} to ${to === Infinity ? 'the end' : to}: characters are counted from 0`,
    )
  return sliceText(text, from, to)
}

function replaced(text: string, part: string, by: string): string {
  if (part === '') return text
  // Counted only if a text made of nothing but parts would become too long.
  const most = (text.length / part.length) * by.length
  if (most > maxText) checkLength(text.length + (text.split(part).length - 1) * (by.length - part.length))
  return text.replaceAll(part, by.replaceAll('$', '$$$$'))
}

function joined(list: readonly string[], separator = ''): string {
  checkLength(list.reduce((sum, { length }) => sum + length + separator.length, 0))
  return list.join(separator)
}

/** Unicode white space: includes U+0085, which JavaScript's own definition lacks, and excludes U+FEFF, which it has. */
const outerSpace = /^\p{White_Space}+|\p{White_Space}+$/gu

/** Text that begins and ends with ASCII letters or digits has nothing to trim. */
function trimmed(text: string): string {
  const plain = (code: number) => code > 32 && code < 127
  if (plain(text.charCodeAt(0)) && plain(text.charCodeAt(text.length - 1))) return text
  return text.replace(outerSpace, '')
}

// Loaded on first use: most pipelines hash nothing, and loading it costs milliseconds at start.
let crypto: typeof import('node:crypto') | undefined
function sha256(value: string | Uint8Array): string {
  crypto ??= process.getBuiltinModule('node:crypto')
  return crypto.hash('sha256', value)
}

export const textFunctions: readonly FunctionEntry[] = [
  {
    name: 'size',
    group: 'text',
    doc: 'The number of characters (code points) of a text, of bytes, of the elements of a list, or of the keys of a map.',
    example: ['size("Größe 😀")', '7'],
    flink: 'CHAR_LENGTH(text), OCTET_LENGTH(bytes), CARDINALITY(list)',
    forms: [
      { takes: 'text: string', gives: 'integer', call: sizeOfText },
      { takes: 'bytes: bytes', gives: 'integer', call: (bytes: Uint8Array) => bytes.length },
      { takes: 'list: list', gives: 'integer', call: (list: unknown[]) => list.length },
      { takes: 'map: map', gives: 'integer', call: (map: object) => Object.keys(map).length },
    ],
  },
  {
    name: 'lower',
    group: 'text',
    doc: 'In lower case, by the rules of Unicode, independent of language.',
    example: ['lower("ÄB")', '"äb"'],
    flink: 'LOWER(text)',
    forms: [{ takes: 'text: string', gives: 'string', call: (text: string) => text.toLowerCase() }],
  },
  {
    name: 'upper',
    group: 'text',
    doc: 'In upper case, by the rules of Unicode, independent of language.',
    example: ['upper("äb")', '"ÄB"'],
    flink: 'UPPER(text)',
    forms: [{ takes: 'text: string', gives: 'string', call: (text: string) => text.toUpperCase() }],
  },
  {
    name: 'trim',
    group: 'text',
    doc: 'Without spaces, tabs, line breaks and other Unicode white space at both ends.',
    example: ['trim("  a b ")', '"a b"'],
    flink: "REGEXP_REPLACE(text, '(?U)^\\s+|\\s+$', '')",
    forms: [{ takes: 'text: string', gives: 'string', call: trimmed }],
  },
  {
    name: 'replace',
    group: 'text',
    doc: 'With every `part` replaced by `by`. Both are plain text. An empty `part` changes nothing.',
    example: ['replace("a.b.c", ".", "$&")', '"a$&b$&c"'],
    flink: 'REPLACE(text, part, by)',
    forms: [
      {
        takes: 'text: string, part: string, by: string',
        gives: 'string',
        call: replaced,
      },
    ],
  },
  {
    name: 'split',
    group: 'text',
    doc: 'The pieces between the separators; text without a separator gives a list of just that text. An empty separator gives the characters.',
    example: ['split("a,b,,c", ",")', '["a","b","","c"]'],
    flink: 'SPLIT(text, separator)',
    forms: [
      {
        takes: 'text: string, separator: string',
        gives: 'list<string>',
        call: (text: string, separator: string) => (separator === '' ? [...text] : text.split(separator)),
      },
    ],
  },
  {
    name: 'join',
    group: 'text',
    doc: 'The texts of a list joined together, with the separator between them.',
    example: ['join(["a", "b"], "-")', '"a-b"'],
    flink: 'ARRAY_JOIN(list, separator)',
    forms: [
      {
        takes: 'list: list<string>, separator?: string',
        gives: 'string',
        call: joined,
      },
    ],
  },
  {
    name: 'substring',
    group: 'text',
    doc: 'The characters from index `from` up to, but not including, index `to`, counted from 0; without `to` all that follow. Anything beyond the end is left out.',
    example: ['substring("😀bcd", 0, 2)', '"😀b"'],
    flink: 'SUBSTRING(text FROM from + 1 FOR to - from)',
    forms: [{ takes: 'text: string, from: integer, to?: integer', gives: 'string', call: substring }],
  },
  {
    name: 'contains',
    group: 'text',
    doc: 'Whether `part` is somewhere in the text. For lists: `part in list`.',
    example: ['contains("invoice", "voice")', 'true'],
    flink: 'POSITION(part IN text) > 0',
    forms: [
      {
        takes: 'text: string, part: string',
        gives: 'boolean',
        call: (text: string, part: string) => text.includes(part),
        inline: (text, part) => `${text}.includes(${part})`,
      },
    ],
  },
  {
    name: 'startsWith',
    group: 'text',
    doc: 'Whether the text begins with `part`.',
    example: ['startsWith("C536379", "C")', 'true'],
    flink: 'STARTSWITH(text, part)',
    forms: [
      {
        takes: 'text: string, part: string',
        gives: 'boolean',
        call: (text: string, part: string) => text.startsWith(part),
        inline: (text, part) => `${text}.startsWith(${part})`,
      },
    ],
  },
  {
    name: 'endsWith',
    group: 'text',
    doc: 'Whether the text ends with `part`.',
    example: ['endsWith("a.csv", ".csv")', 'true'],
    flink: 'ENDSWITH(text, part)',
    forms: [
      {
        takes: 'text: string, part: string',
        gives: 'boolean',
        call: (text: string, part: string) => text.endsWith(part),
        inline: (text, part) => `${text}.endsWith(${part})`,
      },
    ],
  },
  {
    name: 'matches',
    group: 'text',
    doc: 'Whether the regular expression matches anywhere in the text; ^ and $ anchor it to the ends. RE2 syntax, in time linear in the text: no look-around, no back-references.',
    example: ['matches("C536379", "^C[0-9]+$")', 'true'],
    flink: 'REGEXP(text, pattern)',
    forms: [
      {
        takes: 'text: string, pattern: pattern',
        gives: 'boolean',
        call: (text: string, expression: string) => pattern(expression)(text),
        make([text, expression]) {
          const source = written(expression)
          if (typeof source !== 'string') return {}
          const test = pattern(source)
          return { args: [text!], operation: { name: 'matches', parameters: [source], call: test } }
        },
      },
    ],
  },
  {
    name: 'sha256',
    group: 'text',
    doc: 'The SHA-256 hash of a text (as UTF-8) or of bytes, as 64 hexadecimal digits.',
    example: ['sha256("abc")', '"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"'],
    flink: 'SHA256(text)',
    forms: [
      { takes: 'text: string', gives: 'string', call: sha256 },
      { takes: 'bytes: bytes', gives: 'string', call: sha256 },
    ],
  },
]
