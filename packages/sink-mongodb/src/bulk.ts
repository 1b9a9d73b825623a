/**
 * One unordered bulk write, and the outcome of each of its operations. Some errors (a document of more than 16 MB, or
 * nested too deep) fail the whole command without naming an operation; then the batch is halved until the faulty one is
 * alone. Every operation is by key, so repeated ones replace themselves.
 */
import { SystemError } from '@millrace/core'
import {
  type AnyBulkWriteOperation,
  type Collection,
  type Decimal128,
  isAboutDocument,
  isRefusal,
  MongoBulkWriteError,
  type ObjectId,
  scrubbed,
  sizeOf,
  systemError,
  type UUID,
} from '@millrace/client-mongodb/driver'
import type { Options } from './options.ts'

/** The maximum size of a document: mongodb.com/docs/manual/reference/limits. */
const maxSize = 16 * 1024 * 1024

/** What may be an id. */
export type Id = string | number | bigint | boolean | Date | Uint8Array | Decimal128 | ObjectId | UUID

/** A stored document. */
export interface Stored {
  readonly _id: Id
  readonly [field: string]: unknown
}
export type Operation = AnyBulkWriteOperation<Stored>

/** Why an operation failed. */
export interface Fault {
  /** `taken`: another client created the key meanwhile. `system`: retryable. `data`: permanent. */
  readonly kind: 'taken' | 'system' | 'data'
  readonly code: string
  readonly message: string
}

/** Waits for an answer of the server. */
export type Ask = <T>(operation: Promise<T>) => Promise<T>

/**
 * Runs the operations; returns the failures, by index. Throws `SystemError` if the outcome of all of them is unknown.
 */
export async function bulkWrite(
  operations: readonly Operation[],
  collection: Collection<Stored>,
  o: Options,
  ask: Ask,
): Promise<Map<number, Fault>> {
  const faults = new Map<number, Fault>()
  try {
    await ask(collection.bulkWrite(operations, { ordered: false }))
    return faults
  } catch (error) {
    if (error instanceof MongoBulkWriteError) {
      const concern = error.result.getWriteConcernError()
      if (concern)
        throw new SystemError(
          'unknown_outcome',
          `MongoDB did not confirm that a majority has the write: ${concern.errmsg}`,
          {
            retry: true,
          },
        )
      for (const { index, code, errmsg } of [error.writeErrors].flat())
        faults.set(index, faultOf(code, errmsg ?? '', o))
      if (faults.size > 0) return faults
    }
    if (!isRefusal(error))
      throw systemError(error, o) ?? new SystemError('refused', `MongoDB refuses the write: ${scrubbed(error, o)}`)
    if (operations.length > 1) {
      const middle = operations.length >> 1
      const first = await bulkWrite(operations.slice(0, middle), collection, o, ask)
      const second = await bulkWrite(operations.slice(middle), collection, o, ask)
      for (const [k, fault] of second) first.set(k + middle, fault)
      return first
    }
    const [only] = operations
    const size = only && 'replaceOne' in only ? sizeOf(only.replaceOne.replacement) : 0
    const fault: Fault =
      size > maxSize
        ? {
            kind: 'data',
            code: 'too_large',
            message: `as a document it has ${size} bytes, but MongoDB accepts at most ${maxSize}`,
          }
        : { kind: 'data', code: 'refused', message: `MongoDB refuses the record: ${scrubbed(error, o)}` }
    return faults.set(0, fault)
  }
}

function faultOf(code: number, text: string, o: Options): Fault {
  const message = scrubbed(new Error(text), o)
  if (code === 11_000) {
    // A conflict on any unique index other than that of the key is a fault of the data, not a race.
    const isOfKey = / index: _id_ /.test(text) || !text.includes(' index: ')
    return isOfKey
      ? { kind: 'taken', code: 'key_taken', message }
      : { kind: 'data', code: 'constraint', message: `MongoDB refuses the record: ${message}` }
  }
  if (!isAboutDocument(code)) return { kind: 'system', code: 'unavailable', message }
  const name = code === 121 ? 'validation' : [10_334, 17_419, 17_420].includes(code) ? 'too_large' : 'refused'
  return { kind: 'data', code: name, message: `MongoDB refuses the record: ${message}` }
}
