/**
 * The page index (https://github.com/apache/parquet-format/blob/master/PageIndex.md): where each page of a column is,
 * and the least and the greatest value in it, so that readers can leave out pages.
 */
import { OutputBytes } from '@millrace/formats'
import { binary, bool, i32, i64, list, putStruct, struct } from './thrift.ts'

/** A written page of values. */
export interface WrittenPage {
  /** With its header. */
  readonly bytes: number
  /** The index in the row group of the row that it begins with. */
  readonly firstRow: number
  readonly nulls: number
  /** All its values are null. */
  readonly isEmpty: boolean
  /** The plain bytes of a value that none is less than; undefined: too long to be worth it. */
  readonly least: Uint8Array | undefined
  readonly most: Uint8Array | undefined
}

const unordered = 0
const nothing = new Uint8Array(0)

/** The bounds of the pages of a column in a row group; undefined: not known of all. */
export function columnIndex(pages: readonly WrittenPage[]): Uint8Array | undefined {
  if (pages.some(({ isEmpty, least, most }) => !isEmpty && !(least && most))) return undefined
  const out = new OutputBytes()
  putStruct(out, [
    [
      1,
      list(
        'bool',
        pages.map(({ isEmpty }) => bool(isEmpty)),
      ),
    ],
    [
      2,
      list(
        'binary',
        pages.map(({ least }) => binary(least ?? nothing)),
      ),
    ],
    [
      3,
      list(
        'binary',
        pages.map(({ most }) => binary(most ?? nothing)),
      ),
    ],
    [4, i32(unordered)],
    [
      5,
      list(
        'i64',
        pages.map(({ nulls }) => i64(nulls)),
      ),
    ],
  ])
  return out.take()
}

/** The places of the pages, the first of which is at `offset` in the file. */
export function offsetIndex(pages: readonly WrittenPage[], offset: number): Uint8Array {
  let at = offset
  const places = pages.map(({ bytes, firstRow }) => {
    at += bytes
    return struct([1, i64(at - bytes)], [2, i32(bytes)], [3, i64(firstRow)])
  })
  const out = new OutputBytes()
  putStruct(out, [[1, list('struct', places)]])
  return out.take()
}
