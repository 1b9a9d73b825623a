import { compileReformat, DataError, fromText, type Push } from '@millrace/core'
import { parse } from 'csv-parse/sync'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CsvOptions } from '../src/csv/options.ts'
import { createCsvReader } from '../src/csv/reader.ts'
import { encodeText, encodings, unitBytes } from '../src/text.ts'
import { type Given, inChunks, readCsv, schemaOf, type Seen } from './csv-read.ts'

const date = { step: 'dates', formats: ['M/d/yyyy H:mm', 'yyyy-MM-dd'], zone: 'UTC' }
const schema = schemaOf({
  s: 'string?',
  i: 'integer?',
  n: 'number',
  day: 'string?',
  d: 'decimal(5,2)?',
  must: 'string',
})
const push: Push = {
  columns: [
    { name: 'when', from: 'day', date: { ...date, to: 'yyyy-MM-dd HH:mm:ss', field: 'day', order: 1 } },
    { name: 'amount', from: 'n' },
    { name: 'ms', from: 's', date: { ...date, field: 's', order: 0 } },
    { name: 'again', from: 's' },
  ],
}

// Cells that are mostly valid for some column, and text made of characters that matter to CSV.
const plausible = fc.constantFrom(
  '',
  '1',
  '-12',
  '007',
  '12/1/2010 8:26',
  '2010-12-01',
  '13/1/2010 8:26',
  '1.50',
  '1e3',
  '9007199254740993',
  'NULL',
  'é',
  'a b',
  '£',
  'True',
  '-',
  '.5',
)
const nasty = fc.string({
  unit: fc.constantFrom(
    '"',
    "'",
    ',',
    ';',
    '\n',
    '\r',
    '\r\n',
    'a',
    '1',
    '.',
    '-',
    ' ',
    'é',
    '€',
    '😀',
    '\ufffd',
    '\ufeff',
    '\0',
  ),
  maxLength: 6,
})
const cell = fc.oneof(
  { weight: 6, arbitrary: plausible },
  { weight: 2, arbitrary: nasty },
  { weight: 1, arbitrary: nasty.map((text) => `"${text.replaceAll('"', '""')}"`) },
)
const row = fc
  .oneof(
    { weight: 8, arbitrary: fc.array(cell, { minLength: 7, maxLength: 7 }) },
    { weight: 1, arbitrary: fc.array(cell, { maxLength: 9 }) },
  )
  .map((cells) => cells.join(','))
const body = fc
  .array(fc.tuple(row, fc.constantFrom('\n', '\r\n', '\r', '\n', '')), { maxLength: 8 })
  .map((rows) => rows.flat().join(''))
const header = fc.constantFrom('s,i,n,day,d,must,extra\n', 'must,extra,day,n,s,d,i\r\n', '\r\ns,i,n,day,d,must,extra\r')
const options: fc.Arbitrary<Partial<CsvOptions>> = fc.record(
  {
    nulls: fc.constantFrom([''], [], ['NULL'], ['', 'NULL', '-12']),
    ragged: fc.constantFrom('error' as const, 'pad' as const),
    max_record_size: fc.constantFrom(64, 200, 1 << 20),
    encoding: fc.constantFrom(...encodings),
    quote: fc.constantFrom('"', '"', "'", ''),
    bare_quotes: fc.constantFrom('keep' as const, 'error' as const),
  },
  { requiredKeys: ['encoding'] },
)
/** The bytes of the text, with a few of them corrupted. */
const bytesOf = (
  text: string,
  { encoding = 'utf-8' as const }: Partial<CsvOptions>,
  breaks: readonly [at: number, byte: number][],
) => {
  const known = text.replaceAll(/[^\0-\x7f]/gu, (character) => (encodeText(character, encoding) ? character : '?'))
  const bytes = Buffer.from(encodeText(known, encoding)!)
  for (const [at, byte] of breaks) if (bytes.length > 40 * 2 + at) bytes[40 * 2 + at] = byte
  return bytes
}
const breaks = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 3 }) },
)
const input = fc
  .tuple(header, body, options, breaks)
  .map(([header, body, csv, breaks]) => ({ bytes: bytesOf(header + body, csv, breaks), csv }))

const facts = ({ rows, at, raw, bad }: Seen) => ({ rows, at, raw, bad })

describe('CSV, whatever the input', () => {
  it('is read the same by both scanners, in whatever chunks it arrives (2,000 inputs)', async () => {
    await fc.assert(
      fc.asyncProperty(
        input,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async ({ bytes, csv }, sizes, pushed) => {
          const given: Given = { csv, read: pushed ? { push } : { unknownFields: 'keep' } }
          const expected = facts(await readCsv(bytes, schema, { ...given, scanner: 'interpreted' }))
          expect(facts(await readCsv(bytes, schema, { ...given, scanner: 'compiled' }))).toEqual(expected)
          expect(facts(await readCsv(inChunks(bytes, sizes), schema, { ...given, scanner: 'compiled' }))).toEqual(
            expected,
          )
        },
      ),
      { seed: 11, numRuns: 2000 },
    )
  })

  it('never causes a crash, even if it is not CSV at all (2,000 inputs)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(...encodings),
        fc.boolean(),
        async (bytes, encoding, header) => {
          const csv = { encoding, header, max_record_size: 40 }
          const one = schemaOf({ a: 'string?', b: 'integer?' })
          const read = (scanner: 'compiled' | 'interpreted') =>
            readCsv(bytes, one, { csv, scanner }).then(facts, (error: Error & { code?: string }) => {
              expect(error.name).toBe('MillraceError')
              return error.code
            })
          expect(await read('compiled')).toEqual(await read('interpreted'))
        },
      ),
      { seed: 12, numRuns: 2000 },
    )
  })

  it('has every byte in exactly one record, except for the header and empty lines', async () => {
    await fc.assert(
      fc.asyncProperty(input, async ({ bytes, csv }) => {
        const seen = await readCsv(bytes, schema, { csv })
        const records = [
          ...seen.at.map((at, i) => ({ at, bytes: seen.raw[i]! })),
          ...seen.bad.map(({ position, bytes }) => ({ at: position, bytes })),
        ]
        records.sort((a, b) => Number(a.at) - Number(b.at))
        const isEmpty = (from: number, to: number) => /^[\r\n\0]*$/.test(bytes.toString('latin1', from, to))
        let end: number | undefined
        for (const record of records) {
          const at = Number(record.at)
          if (end !== undefined) expect(at === end || (at > end && isEmpty(end, at))).toBe(true)
          expect(bytes.toString('latin1', at, at + record.bytes.length)).toBe(record.bytes)
          end = at + record.bytes.length
        }
        if (end !== undefined) expect(isEmpty(end, bytes.length)).toBe(true)
      }),
      { seed: 13, numRuns: 500 },
    )
  })

  it('decodes each record again from its own bytes', async () => {
    await fc.assert(
      fc.asyncProperty(input, async ({ bytes, csv }) => {
        const seen = await readCsv(bytes, schema, { csv })
        const { decode } = createCsvReader(csv, { schema, unknownFields: 'drop', push })
        seen.raw.forEach((raw, i) =>
          expect(decode!(Buffer.from(raw, 'latin1'), seen.contexts[i]!)).toEqual(seen.rows[i]),
        )
        seen.bad.forEach(({ bytes, code, step }, i) => {
          if (!step) expect(() => decode!(Buffer.from(bytes, 'latin1'), seen.badContexts[i]), code).toThrow(DataError)
        })
      }),
      { seed: 14, numRuns: 300 },
    )
  })

  it('yields with a push what the same steps yield without it', async () => {
    const toText = compileReformat(date.formats, date.zone, 'yyyy-MM-dd HH:mm:ss')
    const toMs = (text: string) => {
      const iso = compileReformat(date.formats, date.zone, "yyyy-MM-dd'T'HH:mm:ss'Z'")(text)
      return iso === undefined ? undefined : Date.parse(iso)
    }
    await fc.assert(
      fc.asyncProperty(input, async ({ bytes, csv }) => {
        const plain = await readCsv(bytes, schema, { csv })
        const rows: unknown[] = []
        const bad = [...plain.bad]
        plain.rows.forEach((row, i) => {
          const when = row['day'] === null ? null : toText(row['day'] as string)
          const ms = row['s'] === null ? null : toMs(row['s'] as string)
          if (when !== undefined && ms !== undefined) rows.push({ when, amount: row['n'], ms, again: row['s'] })
          else
            bad.push({
              position: plain.at[i]!,
              code: 'bad_date',
              field: ms === undefined ? 's' : 'day',
              step: 'dates',
              bytes: plain.raw[i]!,
            })
        })
        bad.sort((a, b) => Number(a.position) - Number(b.position))
        const pushed = await readCsv(bytes, schema, { csv, read: { push } })
        expect({ rows: pushed.rows, bad: pushed.bad }).toEqual({ rows, bad })
      }),
      { seed: 15, numRuns: 500 },
    )
  })

  it('yields rows of one shape, keys in the order of the schema or the push', async () => {
    const bytes = Buffer.from('i,must,extra,n,s,d,day\n1,x,y,2,,,2010-12-01\n')
    expect(Object.keys((await readCsv(bytes, schema)).rows[0]!)).toEqual(Object.keys(schema.fields))
    const rows = (await readCsv(bytes, schema, { read: { push } })).rows
    expect(rows).toEqual([{ when: '2010-12-01 00:00:00', amount: 2, ms: null, again: null }])
    expect(Object.keys(rows[0]!)).toEqual(['when', 'amount', 'ms', 'again'])
  })
})

describe('CSV cells', () => {
  it('are read as numbers exactly as core reads them from text', async () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 18 })
    const text = fc
      .tuple(
        fc.constantFrom('', '-', '+', ' '),
        digits,
        fc.constantFrom('', '.', ','),
        digits,
        fc.constantFrom('', '', '', 'e5', 'E-3', 'e400', 'x'),
      )
      .map((parts) => parts.join(''))
    const numbers = schemaOf({ i: 'integer?', n: 'number?', big: 'bigint?' })
    const expected = (type: 'integer' | 'number' | 'bigint', text: string) => {
      try {
        return text === '' ? null : fromText({ kind: type })(text)
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    const texts = fc.sample(text, { seed: 21, numRuns: 3000 })
    for (const name of ['i', 'n', 'big']) {
      const type = ({ i: 'integer', n: 'number', big: 'bigint' } as const)[name]!
      const others = ['i', 'n', 'big'].filter((other) => other !== name)
      const seen = await readCsv(
        `${[name, ...others].join(';')}\n${texts.map((text) => `${text};;\n`).join('')}`,
        numbers,
        { csv: { delimiter: ';' } },
      )
      const found = new Map<unknown, unknown>([
        ...seen.at.map((at, i) => [at, seen.rows[i]![name]] as const),
        ...seen.bad.map(({ position, code }) => [position, code] as const),
      ])
      let at = 'i;n;big\n'.length
      for (const text of texts) {
        expect([text, found.get(at)]).toEqual([text, expected(type, text)])
        at += text.length + ';;\n'.length
      }
    }
  })

  it('agree with csv-parse wherever the input is well-formed', async () => {
    const text = fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', 'é', ' ', '😀', '1'), maxLength: 5 })
    const table = fc.array(fc.array(fc.tuple(text, fc.boolean()), { minLength: 3, maxLength: 3 }), {
      minLength: 1,
      maxLength: 10,
    })
    const abc = schemaOf({ a: 'string', b: 'string', c: 'string' })
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom('\n', '\r\n'), fc.boolean(), async (table, lineEnd, ends) => {
        const write = ([text, quoted]: [string, boolean]) =>
          quoted || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
        const lines = ['a,b,c', ...table.map((cells) => cells.map(write).join(','))]
        const csv = lines.join(lineEnd) + (ends ? lineEnd : '')
        const seen = await readCsv(csv, abc, { csv: { nulls: [] } })
        expect(seen.bad).toEqual([])
        expect(seen.rows).toEqual(
          parse(csv, { columns: true, record_delimiter: lineEnd }).map((row) => ({ ...(row as object) })),
        )
      }),
      { seed: 22, numRuns: 500 },
    )
  })
})

describe('CSV split at every byte', () => {
  it('yields the same rows, positions, bytes and errors', async () => {
    const text =
      's,i,n,day,d,must\r\n"a ""quoted"" one",1,2.5,12/1/2010 8:26,1.50,x\r\nünï€😀,-7,1e3,12/1/2010 8:26,,"two\r\nlines"\r\n\r\nx,y,1,,,z\n"a"b,1,1,,,z\r1,2\r,,3,,,"last"\r\n\n"open,1,2'
    for (const encoding of encodings) {
      const bytes = bytesOf(text, { encoding }, [])
      const given: Given = {
        csv: { encoding, max_record_size: 90 * unitBytes(encoding) },
        read: { push: { columns: push.columns.slice(0, 2) } },
      }
      const whole = facts(await readCsv(bytes, schema, given))
      expect([whole.rows.length, whole.bad.length]).toEqual([3, 4])
      for (let at = 1; at < bytes.length; at++)
        expect({ split: at, ...facts(await readCsv(inChunks(bytes, [at, bytes.length]), schema, given)) }).toEqual({
          split: at,
          ...whole,
        })
      expect(facts(await readCsv(inChunks(bytes, 1), schema, given))).toEqual(whole)
    }
  })
})
