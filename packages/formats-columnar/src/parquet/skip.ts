/**
 * Which row groups need not be read: those whose statistics show that a pushed-down condition is true for none of their
 * rows (https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift, `Statistics`).
 *
 * Decision: docs/decisions/20261201-row-groups-are-skipped.md
 */
import { DataError, type Type, type ValueRange } from '@millrace/core'
import type { ReadOptions, Skip } from '@millrace/formats'
import type { RowReader } from '../columns/index.ts'
import type { FileColumn } from '../file-column.ts'
import type { Footer, RowGroup, SchemaNode } from './footer.ts'
import { plain } from './values-read.ts'

/** Makes the test of row groups. */
export function skipTest(
  { schema }: ReadOptions,
  { bounds, all }: Skip,
  footer: Footer,
  reader: RowReader,
): (group: RowGroup) => boolean {
  const tests = bounds.flatMap(({ field, excludes }) => {
    const node = footer.columns.find(({ name }) => name === field)
    const { type, optional } = schema.fields[field]!
    const k = reader.columns.findIndex(({ name }) => name === field)
    // What a file lacks is null.
    if (!node) return [() => excludes(null)]
    const read = reader.reads[k]
    if (!read || !node.type || node.repetition === 'REPEATED' || !keepsOrder(reader.columns[k]!, type)) return []
    return [
      (group: RowGroup) => {
        const range = rangeOf(node, group, read, optional)
        return range !== undefined && excludes(range)
      },
    ]
  })
  return (group) => all === true || tests.some((test) => test(group))
}

const numeric: readonly Type['kind'][] = ['integer', 'bigint', 'number', 'decimal']
const ordered: readonly Type['kind'][] = [...numeric, 'string', 'date', 'time', 'timestamp', 'fine_timestamp']

/** Whether the declared type orders values as the file does. */
function keepsOrder({ natural, ticks, isClock }: FileColumn, to: Type): boolean {
  if (!natural || !ordered.includes(to.kind)) return false
  if (ticks) return !isClock && (to.kind === 'timestamp' || to.kind === 'fine_timestamp')
  return natural.kind === to.kind || (numeric.includes(natural.kind) && numeric.includes(to.kind))
}

/** The values of a column in a row group; undefined: unknown, or there are nulls that must be reported. */
function rangeOf(
  node: SchemaNode,
  group: RowGroup,
  read: (raw: unknown) => unknown,
  optional: boolean,
): ValueRange | undefined {
  const { statistics } = group.chunk(node.firstLeaf)
  const nulls = node.definition === 0 ? 0 : statistics?.nulls
  if (!statistics || (!optional && nulls !== 0)) return undefined
  if (nulls === group.rows) return null
  const { least, most } = statistics
  if (!least || !most) return undefined
  try {
    return { least: valueOf(node, least, read), most: valueOf(node, most, read) }
  } catch (error) {
    if (error instanceof DataError || (error as Error).name === 'MillraceError') return undefined
    throw error
  }
}

function valueOf(node: SchemaNode, bytes: Uint8Array, read: (raw: unknown) => unknown): unknown {
  const page = Buffer.alloc(node.type === 'BYTE_ARRAY' ? 4 + bytes.length : bytes.length)
  page.set(bytes, page.length - bytes.length)
  if (node.type === 'BYTE_ARRAY') page.writeUInt32LE(bytes.length)
  return read(plain(node, { page, at: 0, most: page.length })(1)[0])
}
