/**
 * Reads HTTP/1.1 responses from a connection that carries one at a time (RFC 9112): a head up to an empty line, then a
 * body with the length of `content-length`, or in chunks, or up to the end of the connection. Interim responses (1xx)
 * are skipped. A body is kept completely if it was asked for or may contain the outcome of each record, otherwise its
 * beginning, for messages.
 */
import { SystemError } from '@millrace/core'

/** A server's answer. */
export interface Answer {
  readonly status: number
  /** Status line and headers: see `headerOf`. */
  readonly head: string
  /** Complete, or its first 8 MiB if the status is 207 or 4xx, else its first 4 KiB. */
  readonly body: Buffer
}

/** The value of a header; repeated ones are joined by commas. */
export function headerOf({ head }: Answer, name: string): string | undefined {
  const found = [...head.matchAll(new RegExp(`\\r\\n${name}:[ \\t]*([^\\r]*)`, 'gi'))]
  return found.length === 0 ? undefined : found.map(([, value]) => value!.trim()).join(', ')
}

export interface ResponseReader {
  /** Takes what has arrived. Returns the answer once it is complete; throws if this is not HTTP. */
  feed(bytes: Buffer): Answer | undefined
  /** The connection has closed: returns the answer if its body ends with the connection. */
  closed(): Answer | undefined
  /** Part of a response has arrived. */
  readonly begun: boolean
  /** Whether the connection may carry another request after this response. */
  readonly reusable: boolean
}

const keptBytes = (status: number): number =>
  status === 207 || (status >= 400 && status < 500) ? 8 * 1024 * 1024 : 4096
const longestHead = 64 * 1024
const headEnd = '\r\n\r\n'

type Body =
  | { readonly kind: 'length' | 'until_close' }
  | { readonly kind: 'chunked'; state: 'size' | 'data' | 'after' | 'trailer' }

/** `maxBytes`: bodies of 2xx are needed completely; larger ones throw `page_too_large`. */
export function createResponseReader(maxBytes?: number): ResponseReader {
  let head = ''
  let status = 0
  let body: Body | undefined
  /** Remaining bytes of the body, or of the chunk. */
  let left = 0
  let line = ''
  let kept: Buffer[] = []
  let keptSize = 0
  let reusable = true
  let begun = false

  const answer = (): Answer => {
    const made = { status, head, body: kept.length === 1 ? kept[0]! : Buffer.concat(kept) }
    head = line = ''
    body = undefined
    kept = []
    keptSize = left = 0
    begun = false
    return made
  }
  const keep = (bytes: Buffer) => {
    const isWhole = maxBytes !== undefined && status < 300
    const most = isWhole ? maxBytes : keptBytes(status)
    if (isWhole && keptSize + bytes.length > most) throw tooLarge(most)
    if (bytes.length === 0 || keptSize >= most) return
    const part = bytes.subarray(0, most - keptSize)
    kept.push(part)
    keptSize += part.length
  }
  /** Reads a head; after an interim one there is no body, and the next head follows. */
  const start = (text: string) => {
    const found = /^HTTP\/1\.([01]) (\d{3})/.exec(text)
    if (!found) throw new Error('the server does not speak HTTP')
    status = Number(found[2])
    if (status < 200) return
    head = text
    reusable = found[1] === '1' ? !/\r\nconnection: *close/i.test(text) : /\r\nconnection: *keep-alive/i.test(text)
    if (/\r\ntransfer-encoding:[^\r]*chunked/i.test(text)) body = { kind: 'chunked', state: 'size' }
    else {
      const length = /\r\ncontent-length: *(\d+)/i.exec(text)
      const none = status === 204 || status === 304
      left = length && !none ? Number(length[1]) : 0
      body = { kind: length || none ? 'length' : 'until_close' }
      if (body.kind === 'until_close') reusable = false
    }
  }
  /** A line of the chunked framing, without its end; undefined: it is not complete yet. */
  const takeLine = (bytes: Buffer, at: number): { text: string; next: number } | undefined => {
    const end = bytes.indexOf(10, at)
    line += bytes.toString('latin1', at, end < 0 ? bytes.length : end)
    if (line.length > longestHead) throw new Error('a line of the answer is too long')
    if (end < 0) return undefined
    const text = line.replace(/\r$/, '')
    line = ''
    return { text, next: end + 1 }
  }
  const chunks = (bytes: Buffer, framing: Extract<Body, { kind: 'chunked' }>): boolean => {
    for (let at = 0; at < bytes.length; ) {
      if (framing.state === 'data') {
        const part = bytes.subarray(at, at + left)
        keep(part)
        left -= part.length
        at += part.length
        if (left === 0) framing.state = 'after'
        continue
      }
      const taken = takeLine(bytes, at)
      if (!taken) return false
      at = taken.next
      if (framing.state === 'after') framing.state = 'size'
      else if (framing.state === 'trailer') {
        if (taken.text === '') return true
      } else {
        if (!/^[0-9a-f]{1,12}(;|\s*$)/i.test(taken.text)) throw new Error('a chunk of the answer has no valid length')
        left = Number.parseInt(taken.text, 16)
        framing.state = left === 0 ? 'trailer' : 'data'
      }
    }
    return false
  }

  return {
    get begun() {
      return begun
    },
    get reusable() {
      return reusable
    },
    feed(bytes) {
      begun = true
      while (!body) {
        // The end of the head may span two pieces.
        const before = head.length
        head += bytes.toString('latin1')
        const end = head.indexOf(headEnd, Math.max(0, before - 3))
        if (end < 0) {
          if (head.length > longestHead) throw new Error('the headers of the answer are too long')
          return undefined
        }
        bytes = bytes.subarray(end + headEnd.length - before)
        const text = head.slice(0, end + 2)
        head = ''
        start(text)
      }
      if (body.kind === 'chunked') return chunks(bytes, body) ? answer() : undefined
      keep(body.kind === 'length' ? bytes.subarray(0, left) : bytes)
      if (body.kind === 'until_close') return undefined
      left -= Math.min(left, bytes.length)
      return left === 0 ? answer() : undefined
    },
    closed: () => (body?.kind === 'until_close' ? answer() : undefined),
  }
}

/** The error for a body that is larger than allowed, before or after decompression. */
export const tooLarge = (maxBytes: number): SystemError =>
  new SystemError('page_too_large', `the answer is larger than ${maxBytes} bytes`, {
    hint: 'request smaller pages, or raise `max_body`',
  })
