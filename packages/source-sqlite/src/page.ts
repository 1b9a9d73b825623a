/** What is read by one statement. */
import type { Json, Row } from '@millrace/core'

/** Records a page, and about how large it may get: one record is always read. */
export const pageSize = 1000
export const pageBytes = 1 << 20

/** What a record turned out to be. */
export type Decoded =
  | { readonly row: Row }
  | { readonly code: string; readonly message: string; readonly field?: string; readonly step?: string }

/** Records of one page, with what is needed to make a batch of them. */
export interface Page {
  /** The key of each record, as it stands in its id. */
  readonly keys: readonly (string | number)[]
  readonly decoded: readonly Decoded[]
  /** Record i as bytes, which decode to it again. */
  rawAt(i: number): Uint8Array
  /** The key to go on after. */
  readonly after: Json
  readonly bytes: number
  /** Fields that the schema does not name, left out. */
  readonly unknown: number
  /** It ends where the collection or table ended when reading began. */
  readonly last: boolean
}
