/** The result of one statement. */
import type { Json, Row } from '@millrace/core'

/** Records per page, and its approximate maximum size: at least one record is read. */
export const pageSize = 1000
export const pageBytes = 1 << 20

/** The result of decoding a record. */
export type Decoded =
  | { readonly row: Row }
  | { readonly code: string; readonly message: string; readonly field?: string; readonly step?: string }

/** Records of one page, with what is needed to make a batch of them. */
export interface Page {
  /** The key of each record, as in its id. */
  readonly keys: readonly (string | number)[]
  readonly decoded: readonly Decoded[]
  /** Record i as bytes that decode to it again. */
  rawAt(i: number): Uint8Array
  /** The key to continue after. */
  readonly after: Json
  readonly bytes: number
  /** Fields that are not in the schema, left out. */
  readonly unknown: number
  /** It ends where the collection or table ended when reading began. */
  readonly last: boolean
}
