/** A record of a stream as a message for people: its bytes as they are, and what travels beside them. */
import { isUtf8 } from 'node:buffer'
import type { Message } from '@millrace/console/wire'
import { arrivalOf, type Batch, wireBytes, type WireText } from '@millrace/core'

/** Of a message in a list its beginning is sent. */
export const listedBytes = 1000

const bytesOf = (batch: Batch, i: number): Buffer =>
  wireBytes((batch.rows[i] as { readonly value: Uint8Array | null }).value ?? '')

/** A key or a part of a header; `0x...` if it is not UTF-8. */
const shown = (text: WireText): string => (typeof text === 'string' ? text : `0x${wireBytes(text).toString('hex')}`)

/** The message at an index of a batch, at most `most` bytes of it. */
export function messageOf(batch: Batch, i: number, most = listedBytes): Message {
  const value = bytesOf(batch, i)
  const key = batch.keys?.[i]
  const headers = batch.headersAt?.(i) ?? []
  const isCut = value.length > most
  return {
    split: batch.split,
    position: String(batch.positionAt(i)),
    atMs: arrivalOf(batch, i) ?? null,
    key: key === undefined ? null : shown(key),
    headers: headers.map(([name, each]) => [shown(name), each === null ? null : shown(each)]),
    isTombstone: batch.tombstoneAt?.(i) === true,
    bytes: value.length,
    ...(isUtf8(value) ? { text: value.toString('utf8', 0, whole(value, most)) } : { base64: part(value, most) }),
    isCut,
  }
}

const part = (value: Buffer, most: number): string => value.toString('base64', 0, Math.min(value.length, most))

/** No character is cut. */
function whole(value: Buffer, most: number): number {
  let end = Math.min(value.length, most)
  while (end < value.length && end > 0 && (value[end]! & 0xc0) === 0x80) end--
  return end
}

/** Tests for a text in value or key, in whatever case; undefined: all are wanted. It is text, never a pattern. */
export function searchFor(text: string): ((batch: Batch, i: number) => boolean) | undefined {
  if (text === '') return undefined
  const wanted = text.toLowerCase()
  return (batch, i) =>
    bytesOf(batch, i).toString('utf8').toLowerCase().includes(wanted) ||
    shown(batch.keys?.[i] ?? '')
      .toLowerCase()
      .includes(wanted)
}
