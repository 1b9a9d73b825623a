/** A record of a stream as a message for people: its bytes as they are, and what travels beside them. */
import { isUtf8 } from 'node:buffer'
import type { Message } from '@millrace/console/wire'
import type { Batch } from '@millrace/core'

/** Of a message in a list its beginning is sent. */
export const listedBytes = 1000

interface Beside {
  readonly key?: string
  readonly timestamp?: number
  readonly headers?: Readonly<Record<string, string>>
}

const bytesOf = (batch: Batch, i: number): Buffer => {
  const { value } = batch.rows[i] as { readonly value: Uint8Array }
  return Buffer.from(value.buffer, value.byteOffset, value.length)
}

/** The message at an index of a batch, at most `most` bytes of it. */
export function messageOf(batch: Batch, i: number, most = listedBytes): Message {
  const value = bytesOf(batch, i)
  const { key, timestamp, headers } = (batch.contextAt?.(i) ?? {}) as Beside
  const isCut = value.length > most
  return {
    split: batch.split,
    position: String(batch.positionAt(i)),
    atMs: timestamp === undefined || timestamp < 0 ? null : timestamp,
    key: key ?? null,
    headers: headers && Object.keys(headers).length > 0 ? headers : null,
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
    ((batch.contextAt?.(i) ?? {}) as Beside).key?.toLowerCase().includes(wanted) === true
}
