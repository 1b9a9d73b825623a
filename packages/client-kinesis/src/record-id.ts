/**
 * Where a record's id travels. Kinesis has no headers, so a value that is a JSON object carries it as its first member,
 * `{"_millrace_id":"...",`, which the source takes off again. A value that is text or bytes has no room for it.
 */

import { createHash } from 'node:crypto'

const opening = Buffer.from('{"_millrace_id":')
const comma = 0x2c
const brace = 0x7b
const quote = 0x22
const backslash = 0x5c

/** The bytes of a JSON object with the id in front. */
export function withId(object: Uint8Array, id: string): Buffer {
  const isEmpty = object.length === 2
  const head = Buffer.from(JSON.stringify(id) + (isEmpty ? '' : ','))
  return Buffer.concat([opening, head, object.subarray(1)])
}

/** A value without its id; the bytes of `value` are used, and changed. `id` undefined: it has none. */
export function takeId(value: Buffer): { readonly id?: string; readonly value: Buffer } {
  const start = opening.length
  if (value[start] !== quote || value.compare(opening, 0, start, 0, start) !== 0) return { value }
  let end = start + 1
  while (end < value.length && value[end] !== quote) end += value[end] === backslash ? 2 : 1
  if (end >= value.length) return { value }
  let id: unknown
  try {
    id = JSON.parse(value.toString('utf8', start, end + 1))
  } catch {
    return { value }
  }
  if (typeof id !== 'string' || id === '') return { value }
  // The object begins anew where its first member ended.
  const rest = value.subarray(value[end + 1] === comma ? end + 1 : end)
  rest[0] = brace
  return { id, value: rest }
}

/** The partition key of a record without a key: any that spreads records over the shards. */
export const spreadingKey = (id: string): string => createHash('md5').update(id).digest('hex')

/** A partition key has 1 to 256 characters: API reference, PutRecordsRequestEntry. */
export const longestKey = 256
