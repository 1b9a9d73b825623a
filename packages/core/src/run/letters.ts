/** Dead letters as read back from the sink, and how they become records again. */
import { readJson, rowFromJson } from '../convert/index.ts'
import type { Decoder } from '../connector/index.ts'
import type { LetterKey } from '../connector/dead-letter.ts'
import { DataError } from '../errors/index.ts'
import { type Batch, type Beside, headersFromJson, type Json, type Row } from '../record/index.ts'
import type { RecordType } from '../schema/index.ts'

/** A dead letter: a row of `deadLetterSchema`. */
export interface Letter {
  readonly id: string
  readonly path: string | null
  readonly source: string
  readonly split: string
  readonly position: string
  readonly step: string
  readonly code: string
  readonly context: string | null
  readonly key: string | null
  readonly key_bytes: string | null
  readonly headers: string | null
  readonly arrived_at: number | null
  readonly event_time: number | null
  readonly form: string
  readonly bytes: string
}

/** What its stream carried beside the value of a letter's record. */
export const besideOf = ({ key, key_bytes, headers, form }: Letter): Beside => ({
  key: key ?? (key_bytes === null ? undefined : Buffer.from(key_bytes, 'base64')),
  headers: headers === null ? undefined : headersFromJson(JSON.parse(headers) as Json),
  tombstone: form === 'tombstone',
})

/** The key of a letter. */
export const letterKey = ({ id, step }: Letter): LetterKey => ({ id, node: step })

const letterOfBatch = new WeakMap<Batch, LetterKey>()

/** The letter that a batch replays; undefined: the batch comes from a source. */
export const letterOf = (batch: Batch): LetterKey | undefined => letterOfBatch.get(batch)
export const markLetter = (batch: Batch, key: LetterKey): void => void letterOfBatch.set(batch, key)

/** Decodes letters of one source, or results on their way into one node; rows are of `type`. */
export function letterDecoder(type: RecordType, decode: Decoder | undefined, node: string): (letter: Letter) => Row {
  const convert = rowFromJson(type, 'keep')
  return (letter) => {
    const bytes = Buffer.from(letter.bytes, 'base64')
    if (letter.form !== 'row') {
      if (!decode) throw new DataError('not_replayable', `${node} cannot decode a single record again`)
      const context = letter.context === null ? undefined : (JSON.parse(letter.context) as Json)
      return decode(bytes, context, besideOf(letter))
    }
    const row = convert(readJson(bytes.toString()) as Record<string, unknown>)
    if (!Array.isArray(row)) return row as Row
    const [first] = row as readonly { code: string; message: string; field?: string }[]
    throw new DataError(first!.code, first!.message, first!.field)
  }
}
