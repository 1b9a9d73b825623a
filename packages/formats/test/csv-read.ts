/** What the CSV tests share: reading bytes whole, in pieces of any size, or from a position. */
import { type Json, parseRecordType, type RecordType, type Row } from '@millrace/core'
import { createCsvReader } from '../src/csv/reader.ts'
import type { CsvOptions } from '../src/csv/options.ts'
import { type ByteSource, bytesSource, type ReadOptions } from '../src/reader.ts'

export const live = new AbortController().signal

/** A schema in the compact form. */
export function schemaOf(fields: Record<string, unknown>): RecordType {
  const { type, problems } = parseRecordType({ fields })
  if (problems.length) throw new Error(problems[0]!.message)
  return type
}

/** The same bytes in chunks of `size`, each in separate memory at an odd offset. */
export function inChunks(bytes: Uint8Array, size: number | readonly number[]): ByteSource {
  return {
    ...bytesSource(bytes),
    async *stream(from) {
      for (let at = from, n = 0; at < bytes.length; n++) {
        const step = typeof size === 'number' ? size : size[n % size.length]!
        const own = Buffer.alloc(step + 1).subarray(1)
        own.set(bytes.subarray(at, at + step))
        yield own.subarray(0, Math.min(step, bytes.length - at))
        at += step
      }
    },
  }
}

export interface Seen {
  rows: Row[]
  /** For each row: its position and its bytes as text. */
  at: (string | number)[]
  raw: string[]
  bad: { position: string | number; code: string; field?: string; step?: string; bytes: string }[]
  /** For each row, and for each bad record. */
  contexts: (Json | undefined)[]
  badContexts: (Json | undefined)[]
  /** For each piece: its position, and the rows and bad records up to there. */
  pieces: { position: Json; rows: number; bad: number }[]
  bytes: number
}

export interface Given {
  csv?: Partial<CsvOptions>
  read?: Partial<ReadOptions>
  scanner?: 'compiled' | 'interpreted'
  from?: Json
}

/** Everything that a reader reports about an input. */
export async function readCsv(
  input: Uint8Array | string | ByteSource,
  schema: RecordType,
  { csv = {}, read = {}, scanner, from }: Given = {},
): Promise<Seen> {
  const source =
    typeof input === 'string'
      ? bytesSource(Buffer.from(input))
      : input instanceof Uint8Array
        ? bytesSource(input)
        : input
  const reader = createCsvReader(csv, { schema, unknownFields: 'drop', ...read }, scanner)
  const seen: Seen = { rows: [], at: [], raw: [], bad: [], pieces: [], bytes: 0, contexts: [], badContexts: [] }
  for await (const piece of reader.read(source, from, live)) {
    piece.rows.forEach((row, i) => {
      seen.rows.push(row)
      seen.at.push(piece.positionAt(i))
      seen.contexts.push(piece.context)
      seen.raw.push(Buffer.from(piece.rawAt!(i)).toString('latin1'))
    })
    for (const { position, bytes, code, field, step } of piece.bad ?? []) {
      seen.badContexts.push(piece.context)
      seen.bad.push({
        position,
        code,
        ...(field === undefined ? {} : { field }),
        ...(step === undefined ? {} : { step }),
        bytes: Buffer.from(bytes).toString('latin1'),
      })
    }
    seen.pieces.push({ position: piece.position!, rows: seen.rows.length, bad: seen.bad.length })
    seen.bytes += piece.bytes
  }
  return seen
}
