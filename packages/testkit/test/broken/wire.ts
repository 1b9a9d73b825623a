/** A small correct stream, a file with its records as JSON, and every way to break it that the suite must detect. */
import { readFileSync, writeFileSync } from 'node:fs'
import {
  type BadRecord,
  batch,
  type Beside,
  DataError,
  defineSink,
  defineSource,
  type Headers,
  option,
  type Row,
  wireBytes,
  wireText,
} from '@millrace/core'
import type { WireRecord } from '../../src/contract/index.ts'

const options = option.object({
  file: option.path('The file.'),
  bug: option.text('What to do wrong.', { default: '' }),
  tombstones: option.optional(option.text('As of streams.')),
  key_field: option.optional(option.text('As of streams.')),
  headers_field: option.optional(option.text('As of streams.')),
})

const textOf = (base64: string) => wireText(Buffer.from(base64, 'base64'))
const base64Of = (text: Parameters<typeof wireBytes>[0]) => wireBytes(text).toString('base64')

/** What stands beside the value of a record. */
function besideOf({ key, headers, value }: WireRecord, bug: string): Beside {
  const lossy = (base64: string) => Buffer.from(base64, 'base64').toString()
  const all: Headers = headers.map(([name, each]) => [
    textOf(name),
    each !== null ? textOf(each) : bug === 'has no null headers' ? '' : null,
  ])
  return {
    key: key === null ? undefined : bug === 'has keys of text' ? lossy(key) : textOf(key),
    headers: bug === 'has each header once' ? [...new Map(all.map((each) => [each[0], each])).values()] : all,
    tombstone: value === null && bug !== 'has no tombstones',
  }
}

function decode(bytes: Uint8Array, beside: Beside, o: { bug: string; tombstones?: string | undefined } & Fields): Row {
  if (beside.tombstone && o.tombstones !== 'keep') throw new DataError('tombstone', 'it has no value')
  const row: Row = beside.tombstone ? { n: null } : (JSON.parse(Buffer.from(bytes).toString()) as Row)
  const { key, headers } = beside
  if (o.key_field) row[o.key_field] = key === undefined ? null : wireBytes(key)
  if (o.headers_field)
    row[o.headers_field] = headers!
      .map(([name, value]) => ({ name, value: value && wireBytes(value) }))
      .slice(o.bug === 'forgets a header in its field' ? 1 : 0)
  return row
}

interface Header {
  readonly name: string
  readonly value: Uint8Array | null
}

interface Fields {
  readonly key_field?: string | undefined
  readonly headers_field?: string | undefined
}

export const wireSource = defineSource({
  kind: 'source',
  type: 'wire',
  serves: ['stream'],
  summary: 'Records of a file.',
  options,
  capabilities: () => ({ bounded: true, replayable: true, lanes: 'split' }),
  decoder: (o) => (bytes, _context, beside) =>
    decode(bytes, o.bug === 'decodes without headers' ? { ...beside, headers: [] } : beside!, o),
  create(o, ctx) {
    return {
      async *read() {
        const records = JSON.parse(readFileSync(ctx.resolve(o.file), 'utf8')) as WireRecord[]
        const rows: Row[] = []
        const at: number[] = []
        const bad: BadRecord[] = []
        for (const [i, record] of records.entries()) {
          const beside = besideOf(record, o.bug)
          if (beside.tombstone && o.tombstones === 'skip' && o.bug !== 'never skips') continue
          const bytes = Buffer.from(record.value ?? (beside.tombstone ? '' : 'e30='), 'base64')
          try {
            rows.push(decode(bytes, beside, o))
            at.push(i)
          } catch (error) {
            bad.push({ position: i, bytes, code: (error as DataError).code, ...beside })
          }
        }
        const of = (i: number) => besideOf(records[at[i]!]!, o.bug)
        yield { splits: [{ id: '0' }], complete: true }
        yield batch({
          split: '0',
          rows,
          bad,
          position: records.length,
          positionAt: (i) => at[i]!,
          rawAt: (i) => Buffer.from(records[at[i]!]!.value ?? '', 'base64'),
          keys: rows.map((_, i) => of(i).key),
          headersAt: (i) => of(i).headers,
          tombstoneAt: (i) => of(i).tombstone === true,
          end: true,
        })
      },
    }
  },
})

export const wireSink = defineSink({
  kind: 'sink',
  type: 'wire',
  serves: ['stream'],
  summary: 'Records into a file.',
  options,
  capabilities: () => ({ label: 'at-least-once', how: 'one file' }),
  create: (o, ctx) => ({
    write(records) {
      const written = records.rows.map((row, i): WireRecord => {
        const key = records.key(i)
        const { headers: given, ...rest } = row as { readonly headers: readonly Header[] }
        const value = records.tombstone(i) ? null : Buffer.from(JSON.stringify(rest)).toString('base64')
        const headers = given.map(({ name, value: each }) => [base64Of(name), each && base64Of(each)] as const)
        const beside = besideOf({ key: key === undefined ? null : base64Of(key), headers, value }, o.bug)
        return {
          key: beside.key === undefined ? null : base64Of(beside.key),
          value: beside.tombstone ? null : (value ?? ''),
          headers: (beside.headers ?? []).map(([name, each]) => [
            base64Of(name),
            each === null ? null : base64Of(each),
          ]),
        }
      })
      writeFileSync(ctx.resolve(o.file), JSON.stringify(written))
    },
  }),
})

export default [wireSource, wireSink]
