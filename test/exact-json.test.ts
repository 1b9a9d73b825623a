/**
 * One rule for JSON, wherever its text becomes a value: each place reads the same texts to the same values, or refuses
 * them with the same code, with and without generated code. The tables below say what each text must yield; RFC 8259
 * and the kinds of JSONTestSuite (github.com/nst/JSONTestSuite) say which are JSON.
 */
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it, vi } from 'vitest'
import type { Field, RecordType, Row, SourceContext } from '../packages/core/src/index.ts'

type UnknownFields = 'drop' | 'error' | 'keep'

/** What a place makes of the JSON text of a field `v`: a value, or why not. */
type Read = (text: string, field: Field, unknownFields?: UnknownFields) => unknown

const fails = (code: string) => ({ fails: code })
const signal = new AbortController().signal

/** Every place, with generated code or without. */
async function placesWith(codegen: 'on' | 'off'): Promise<ReadonlyMap<string, Read>> {
  vi.resetModules()
  vi.stubEnv('MILLRACE_CODEGEN', codegen)
  const core = await import('../packages/core/src/index.ts')
  const formats = await import('../packages/formats/src/index.ts')
  const { fileColumn } = await import('../packages/formats-columnar/src/parquet/values.ts')
  const { rowReader } = await import('../packages/formats-columnar/src/columns/index.ts')
  const { bodyDecoder } = await import('../packages/source-http/src/decode.ts')
  const { documentPages } = await import('../packages/source-sqlite/src/documents.ts')
  const { rowFromText, tableReader } = await import('../packages/source-sqlite/src/table.ts')
  const { letterDecoder } = await import('../packages/core/src/run/letters.ts')
  const { conversionOf } = await import('../packages/transforms/src/cast/conversion.ts')
  expect(core.codegenAllowed).toBe(codegen === 'on')

  const schemaOf = (v: Field): RecordType => ({ fields: { v } })
  const record = (text: string) => `{"v":${text}}`
  const thrown = (read: () => unknown): unknown => {
    try {
      return read()
    } catch (error) {
      if (error instanceof core.DataError) return fails(error.code)
      throw error
    }
  }
  type Reader = ReturnType<typeof formats.createJsonLinesReader>
  const file =
    (
      make: (options: { schema: RecordType; unknownFields: UnknownFields }) => Reader,
      bytes: (text: string) => Buffer,
    ) =>
    async (text: string, field: Field, unknownFields: UnknownFields = 'drop') => {
      const reader = make({ schema: schemaOf(field), unknownFields })
      for await (const piece of reader.read(formats.bytesSource(bytes(text)), undefined, signal)) {
        const [bad] = piece.bad ?? []
        if (bad) return fails(bad.code)
        if (piece.rows.length > 0) return piece.rows.at(-1)!['v']
      }
      return 'nothing'
    }
  const gateway =
    (body: (text: string) => string, contentType: string): Read =>
    (text, field, unknownFields = 'drop') => {
      const decoded = bodyDecoder({ schema: schemaOf(field), unknownFields } as SourceContext, 100)(
        Buffer.from(body(text)),
        contentType,
      )
      if ('status' in decoded) return fails((JSON.parse(String(decoded.body)) as { error: string }).error)
      return decoded.faults.size > 0 ? fails(decoded.faults.get(0)![0]!.code) : decoded.rows[0]!['v']
    }
  const column =
    (isJson: boolean): Read =>
    (text, field, unknownFields = 'drop') => {
      const meaning = { kind: isJson ? 'JSON' : 'STRING' }
      const leaf = fileColumn({ name: 'v', type: 'BYTE_ARRAY', repetition: 'OPTIONAL', meaning, children: [] } as never)
      const { rows, failed } = rowReader([leaf], { schema: schemaOf(field), unknownFields }).rows([[text]], 1)
      return failed[0] ? fails(failed[0].failure.code) : rows[0]!['v']
    }
  const letter = (text: string) => ({ form: 'row', bytes: Buffer.from(text).toString('base64') }) as never
  const csvCell = (text: string) => Buffer.from(`v,w\n"${text.replaceAll('"', '""')}",\n`)
  const places: [string, Read][] = [
    [
      'JSON lines',
      file(
        (options) => formats.createJsonLinesReader({}, options),
        (text) => Buffer.from(record(text)),
      ),
    ],
    [
      'JSON lines behind a plain one',
      file(
        ({ schema, ...options }) =>
          formats.createJsonLinesReader(
            {},
            { ...options, schema: { fields: { v: { ...schema.fields['v']!, optional: true } } } },
          ),
        (text) => Buffer.from(`{"v":null}\n{"v":null}\n${record(text)}\n`),
      ),
    ],
    [
      'a JSON array',
      file(
        (options) => formats.createJsonReader({}, options),
        (text) => Buffer.from(`[${record(text)}]`),
      ),
    ],
    [
      'a record decoded again',
      (text, field, unknownFields = 'drop') =>
        thrown(
          () =>
            formats.createJsonLinesReader({}, { schema: schemaOf(field), unknownFields }).decode!(
              Buffer.from(record(text)),
              undefined,
            )['v'],
        ),
    ],
    [
      'a value of a stream',
      (text, field, unknownFields = 'drop') => {
        const reader = formats.valueReader({ schema: schemaOf(field), unknownFields })
        const row = reader.read(Buffer.from(record(text)))
        return row ? row['v'] : fails(reader.failure.code)
      },
    ],
    ['a request', gateway(record, 'application/json')],
    ['a list in a request', gateway((text) => `[${record(text)}]`, 'application/json')],
    ['lines in a request', gateway((text) => `${record(text)}\n`, 'application/x-ndjson')],
    [
      'a cell of CSV',
      file(
        (options) =>
          formats.createCsvReader(
            {},
            {
              ...options,
              schema: { fields: { ...options.schema.fields, w: { type: { kind: 'string' }, optional: true } } },
            },
          ),
        csvCell,
      ),
    ],
    ['text', (text, { type }, unknownFields) => thrown(() => core.fromText(type, unknownFields)(text))],
    ['text of Parquet and Arrow', column(false)],
    ['JSON of Parquet', column(true)],
    [
      'a document of SQLite',
      (text, field, unknownFields = 'drop') => {
        const db = new DatabaseSync(':memory:')
        try {
          db.exec('CREATE TABLE d (id TEXT PRIMARY KEY NOT NULL, doc TEXT NOT NULL, record TEXT) STRICT')
          db.prepare('INSERT INTO d VALUES (?, ?, NULL)').run('k', record(text))
          for (const { decoded } of documentPages(
            db,
            'd',
            { schema: schemaOf(field), unknownFields } as SourceContext,
            undefined,
          ))
            for (const made of decoded) return 'row' in made ? made.row['v'] : fails(made.code)
          return 'nothing'
        } finally {
          db.close()
        }
      },
    ],
    [
      'a column of SQLite',
      (text, field, unknownFields) => {
        const made = tableReader(schemaOf(field), unknownFields)({ v: text })
        return 'row' in made ? made.row['v'] : fails(made.code)
      },
    ],
    [
      'a row of a table kept as JSON',
      (text, field, unknownFields) => {
        const made = rowFromText(tableReader(schemaOf(field), unknownFields), JSON.stringify({ v: text }))
        return 'row' in made ? made.row['v'] : fails(made.code)
      },
    ],
    [
      'a dead letter that is a row',
      (text, field) => thrown(() => letterDecoder(schemaOf(field), undefined, 'n')(letter(record(text)))['v']),
    ],
    [
      'cast',
      (text, { type }) => {
        const made = conversionOf({ kind: 'string' }, type, { formats: [], zone: 'UTC' })
        if ('wrong' in made) throw new Error(made.wrong)
        return thrown(() => made.convert(text))
      },
    ],
    [
      'parse_json',
      (text, { type }) => {
        const made = core.compileExpression('parse_json(t)', {
          fields: { t: { type: { kind: 'string' }, optional: false } },
        })
        if (!made.ok) throw new Error(made.problems[0]!.message)
        return thrown(() => (type.kind === 'json' ? made.evaluate({ t: text } as Row) : core.fromText(type)(text)))
      },
    ],
  ]
  vi.unstubAllEnvs()
  return new Map(places)
}

/** These places do not handle fields that a schema does not name. */
const withoutSchema = new Set(['a dead letter that is a row', 'cast', 'parse_json'])

const off = await placesWith('off')
const on = await placesWith('on')
const { jsonValue } = await import('../packages/formats/src/index.ts')
const { parseType } = await import('../packages/core/src/index.ts')
afterAll(() => vi.resetModules())

const nested: Field = {
  type: { kind: 'object', record: { fields: { a: { type: { kind: 'integer' }, optional: false } } } },
  optional: false,
}
const typed = (type: string): Field => (type === 'nested' ? nested : parseType(type)!)
const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const own = (value: unknown) => JSON.parse(`{"__proto__":${JSON.stringify(value)}}`) as unknown

/** Texts that are JSON, and their values as json; printed, they are unchanged unless a third item says otherwise. */
const taken: readonly (readonly [text: string, value: unknown, printed?: string])[] = [
  ['{}', {}],
  ['[]', []],
  ['[[]   ]', [[]], '[[]]'],
  ['[""]', ['']],
  ['[1,null,null,2]', [1, null, null, 2]],
  ['[123e65]', [123e65], '[1.23e+67]'],
  ['[0e+1]', [0], '[0]'],
  ['[-0]', [-0], '[0]'],
  ['[-123]', [-123]],
  ['[1E22]', [1e22], '[1e+22]'],
  ['[123.456e-789]', [0], '[0]'],
  ['{"x":9007199254740991}', { x: 9007199254740991 }],
  ['{"x":9007199254740993}', { x: 9007199254740993n }],
  ['{"x":-9007199254740992}', { x: -9007199254740992n }],
  ['{"x":[123456789012345678901234567890]}', { x: [123456789012345678901234567890n] }],
  ['[0.30000000000000004]', [0.30000000000000004]],
  ['[1.0000000000000000001]', [1], '[1]'],
  ['[0.1,1e3,12345678901234567]', [0.1, 1000, 12345678901234567n], '[0.1,1000,12345678901234567]'],
  ['{"a":{"x":1},"b":{"x":2}}', { a: { x: 1 }, b: { x: 2 } }],
  ['{"x":":\\"x\\":"}', { x: ':"x":' }],
  ['{ "a" : "\\u005c: " }', { a: '\\: ' }, '{"a":"\\\\: "}'],
  ['{"":0}', { '': 0 }],
  ['{"2":1,"10":2}', { 2: 1, 10: 2 }],
  ['{"__proto__":{"x":1}}', own({ x: 1 })],
  ['{"constructor":1,"toString":null}', { constructor: 1, toString: null }],
  ['["\\ud83d\\ude00"]', ['\u{1f600}'], '["\u{1f600}"]'],
  ['["\\uDBFF\\uDFFF"]', ['\u{10ffff}'], '["\u{10ffff}"]'],
  ['["\u2028"]', ['\u2028'], '["\\u2028"]'],
  ['["\\u0000\\b\\/"]', ['\u0000\b/'], '["\\u0000\\b/"]'],
  [deep(490), JSON.parse(deep(490))],
]

/** Texts that are not JSON, or are ambiguous. */
const refused: readonly (readonly [text: string, code: string])[] = [
  ['[1,]', 'bad_json'],
  ['[,1]', 'bad_json'],
  ['[1,,2]', 'bad_json'],
  ['{"a":1,}', 'bad_json'],
  ["{'a':1}", 'bad_json'],
  ['{a:1}', 'bad_json'],
  ['[1]x', 'bad_json'],
  ['[NaN]', 'bad_json'],
  ['[-Infinity]', 'bad_json'],
  ['[01]', 'bad_json'],
  ['[+1]', 'bad_json'],
  ['[.5]', 'bad_json'],
  ['[1.]', 'bad_json'],
  ['[0x1]', 'bad_json'],
  ['["\\x00"]', 'bad_json'],
  ['["\\u12"]', 'bad_json'],
  ['["\t"]', 'bad_json'],
  ['[1 /* one */]', 'bad_json'],
  ['[\u00a01]', 'bad_json'],
  ['[1e400]', 'out_of_range'],
  ['[1e+400]', 'out_of_range'],
  ['{"x":-1e999}', 'out_of_range'],
  [`[${'9'.repeat(400)}]`, 'out_of_range'],
  ['{"x":1,"x":2}', 'duplicate_key'],
  ['{"x":1,"\\u0078":1}', 'duplicate_key'],
  ['[{"y":{"x":1,"z":{},"x":1}}]', 'duplicate_key'],
  ['{"__proto__":1,"__proto__":2}', 'duplicate_key'],
  ['["\\ud800"]', 'bad_text'],
  ['["\\uDFAA x"]', 'bad_text'],
  ['{"\\ud800\\u0041":1}', 'bad_text'],
  [deep(600), 'too_deep'],
  [deep(6000), 'too_deep'],
  ['{"a":'.repeat(3000) + '1' + '}'.repeat(3000), 'too_deep'],
]

/** By declared type. */
const exact: readonly (readonly [type: string, text: string, value: unknown])[] = [
  ['list<integer>', '[1.0000000000000000001]', fails('not_integer')],
  ['list<integer>', '[10000000000000000001e-19]', fails('not_integer')],
  ['list<integer>', '[1e-400]', fails('not_integer')],
  ['list<integer>', '[1.00000000000000000000]', [1]],
  ['list<integer>', '[1e3,9007199254740991,-0]', [1000, 9007199254740991, 0]],
  ['list<integer>', '[9007199254740993]', fails('out_of_range')],
  ['list<integer>', '[9007199254740993.0]', fails('out_of_range')],
  ['list<bigint>', '[10000000000000000,1e16,9007199254740993.0]', [10n ** 16n, 10n ** 16n, 9007199254740993n]],
  ['list<bigint>', '[-9223372036854775808,9223372036854775807]', [-(2n ** 63n), 2n ** 63n - 1n]],
  ['list<bigint>', '[9223372036854775808]', fails('out_of_range')],
  ['list<bigint>', '[1.0000000000000000001]', fails('not_integer')],
  ['list<decimal(20,2)>', '[123456789012345.67,1e2,"7"]', ['123456789012345.67', '100.00', '7.00']],
  ['list<decimal(38,0)>', '[12345678901234567890123456789012345678]', ['12345678901234567890123456789012345678']],
  ['list<decimal(20,2)>', '[0.10000000000000000001]', fails('out_of_range')],
  [
    'list<decimal(20,18)>',
    '[1.234567890123456789,1.234567890123456789e0]',
    ['1.234567890123456789', '1.234567890123456789'],
  ],
  ['list<number>', '[0.1000000000000000055,12345678901234567890]', [0.1, 12345678901234567000]],
  ['list<number>', '[1e400]', fails('out_of_range')],
  ['list<string>', '[1]', fails('not_string')],
  ['list<string>', '[12345678901234567890]', fails('not_string')],
  ['list<json>', '[9007199254740993,1.0000000000000000001]', [9007199254740993n, 1]],
  ['nested', '{"a":1,"a":2}', fails('duplicate_key')],
  ['nested', '{"a":1.0000000000000000001}', fails('not_integer')],
  ['nested', '{}', fails('missing_value')],
]

const inner = (text: string) => (text.length > 60 ? `${text.slice(0, 40)}... of ${text.length}` : text)
const everywhere = (read: (place: Read, name: string) => unknown) =>
  Promise.all(
    [...on].flatMap(([name, place]) => [
      Promise.resolve(read(place, name)).then((value) => [name, value] as const),
      Promise.resolve(read(off.get(name)!, name)).then((value) => [`${name}, interpreted`, value] as const),
    ]),
  ).then(Object.fromEntries) as Promise<Record<string, unknown>>
const alike = (read: Record<string, unknown>, value: unknown) =>
  expect(read).toStrictEqual(Object.fromEntries(Object.keys(read).map((name) => [name, value])))

describe('JSON text', () => {
  it.each(taken.map(([text, value, printed]) => [inner(text), text, value, printed ?? text] as const))(
    '%s is read the same everywhere, and printed with all its digits',
    async (_, text, value, printed) => {
      const json: Field = { type: { kind: 'json' }, optional: false }
      alike(await everywhere((place) => place(text, json)), value)
      expect(jsonValue(json.type)(await on.get('text')!(text, json))).toBe(printed)
    },
  )

  it.each(refused.map(([text, code]) => [inner(text), code, text] as const))(
    '%s is refused everywhere: %s',
    async (_, code, text) => {
      const read = await everywhere((place) => place(text, { type: { kind: 'json' }, optional: false }))
      // Invalid JSON in the middle of a record may end the whole body, which then has no record's code.
      alike(read, fails(code))
    },
  )

  it.each(exact.map(([type, text, value]) => [inner(text), type, text, value] as const))(
    '%s as %s is exact everywhere, or refused',
    async (_, type, text, value) => {
      alike(await everywhere((place, name) => (name === 'parse_json' ? value : place(text, typed(type)))), value)
    },
  )

  it('what a nested object has beyond its type is dropped, refused or kept like a field', async () => {
    const text = '{"a":1,"more":{"x":12345678901234567890},"__proto__":2}'
    const read = (unknownFields: UnknownFields) =>
      everywhere((place, name) => (withoutSchema.has(name) ? undefined : place(text, nested, unknownFields))).then(
        (all) =>
          Object.fromEntries(
            Object.entries(all).filter(([name]) => !withoutSchema.has(name.replace(', interpreted', ''))),
          ),
      )
    alike(await read('drop'), { a: 1 })
    alike(await read('error'), fails('unknown_field'))
    const kept = Object.assign(own(2) as object, { a: 1, more: { x: 12345678901234567890n } })
    alike(await read('keep'), kept)
  })
})
