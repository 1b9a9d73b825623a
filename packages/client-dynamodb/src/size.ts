/** The size of an item, counted as the service counts it: DynamoDB's developer guide, "Item sizes and formats". */
import type { Item, Stored } from './values.ts'

/** Bytes of an item: its names and values. Numbers are counted by their digits, so it can be a few bytes too much. */
export function sizeOf(item: Item): number {
  let bytes = 0
  for (const name in item) bytes += Buffer.byteLength(name) + sizeOfValue(item[name]!)
  return bytes
}

/** Bytes of a value. */
export function sizeOfValue(value: Stored): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S)
  if (value.N !== undefined) return Math.ceil(value.N.length / 2) + 1
  if (value.B !== undefined) return value.B.length
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + sizeOf(value.M)
  if (value.L !== undefined) return value.L.reduce((sum, each) => sum + 1 + sizeOfValue(each), 3)
  return 1
}
