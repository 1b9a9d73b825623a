/** Encoded records as entries of PutRecords. */
import type { WriteFailure } from '@millrace/core'
import { longestKey, spreadingKey, withId } from '@millrace/client-kinesis'
import type { Entry } from '@millrace/client-kinesis/driver'
import { halfPair } from '@millrace/formats'
import type { EncodedValues } from '@millrace/kinds'

/** An entry, and the record's index in the write. */
export interface Numbered {
  readonly index: number
  readonly entry: Entry
  readonly bytes: number
}

/** The entries of a piece, in order. Records that Kinesis can never accept go to `failures`. */
export function entriesOf(
  piece: EncodedValues,
  o: { readonly max_message: number },
  failures: WriteFailure[],
): Numbered[] {
  const ids = piece.records.ids()
  const made: Numbered[] = []
  for (const [i, index] of piece.indexes.entries()) {
    const bare = piece.body.subarray(piece.starts[i], piece.ends[i])
    const id = ids[i]!
    const key = piece.keys[i]
    const refuse = (code: string, message: string) => failures.push({ index, kind: 'data', code, message })
    if (!id.isWellFormed()) {
      refuse('bad_text', `its id: ${halfPair}`)
      continue
    }
    if (piece.nulls?.has(i)) {
      refuse('tombstone', 'it has no value, which Kinesis cannot represent: `on_null: skip` leaves such records out')
      continue
    }
    if (key instanceof Uint8Array) {
      refuse('bad_encoding', 'its key is not UTF-8, and keys of Kinesis are text')
      continue
    }
    if (key === '') {
      refuse('null_key', 'its key is empty, which Kinesis cannot represent')
      continue
    }
    const characters = typeof key === 'string' ? [...key].length : 0
    if (characters > longestKey) {
      refuse('too_large', `its key has ${characters} characters, and Kinesis accepts ${longestKey}`)
      continue
    }
    // The piece is lent.
    const Data = piece.lines ? withId(bare, id) : Buffer.from(bare)
    const PartitionKey = key ?? spreadingKey(id)
    const bytes = Data.length + Buffer.byteLength(PartitionKey)
    if (bytes > o.max_message) refuse('too_large', `it has ${bytes} bytes, more than max_message (${o.max_message})`)
    else made.push({ index, entry: { Data, PartitionKey }, bytes })
  }
  return made
}
