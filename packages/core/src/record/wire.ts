/**
 * What a stream carries beside a record's value: its key, its headers, and whether there is a value at all. Keys and
 * headers are bytes. They are text here only where that loses nothing, so that no two different ones are equal.
 *
 * Decision: docs/decisions/20261203-keys-and-headers-are-bytes.md
 */
import { isUtf8 } from 'node:buffer'
import type { Json } from './json.ts'

/** Bytes on the wire: text if they are UTF-8, else the bytes. */
export type WireText = string | Uint8Array

/** The headers of a record, in order; names may repeat, and a value may be null. */
export type Headers = readonly (readonly [name: WireText, value: WireText | null])[]

/** What is kept of a record beside its value and its context, to decode it again. */
export interface Beside {
  /** Undefined: it has none. */
  readonly key?: WireText | undefined
  readonly headers?: Headers | undefined
  /** It has no value: a tombstone, which deletes what has its key. */
  readonly tombstone?: boolean | undefined
}

/** Bytes as text, if they are UTF-8. */
export function wireText(bytes: Buffer): WireText {
  const text = bytes.toString('utf8')
  // Only what is not UTF-8 becomes U+FFFD, unless that is what was written.
  return text.includes('\ufffd') && !isUtf8(bytes) ? bytes : text
}

/** The bytes of a text. */
export const wireBytes = (text: WireText): Buffer =>
  typeof text === 'string' ? Buffer.from(text) : Buffer.from(text.buffer, text.byteOffset, text.byteLength)

/** As JSON: a string, or `{ "base64": "..." }` for bytes that are not UTF-8. */
export const wireJson = (text: WireText): Json =>
  typeof text === 'string' ? text : { base64: wireBytes(text).toString('base64') }

/** What `wireJson` has made. */
export const wireFromJson = (json: Json): WireText =>
  typeof json === 'string' ? json : Buffer.from((json as { readonly base64: string }).base64, 'base64')

/** Headers as JSON: a list of names and values. */
export const headersJson = (headers: Headers): Json =>
  headers.map(([name, value]) => [wireJson(name), value === null ? null : wireJson(value)])

/** What `headersJson` has made. */
export const headersFromJson = (json: Json): Headers =>
  (json as readonly (readonly [Json, Json])[]).map(([name, value]) => [
    wireFromJson(name),
    value === null ? null : wireFromJson(value),
  ])
