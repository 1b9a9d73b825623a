/**
 * Reads HTTP/1.1 responses off a connection that carries one at a time (RFC 9112): a head up to an empty line, then a
 * body that is as long as `content-length` says, or in chunks, or goes on until the connection closes. Interim
 * responses (1xx) are passed over. A body is kept whole where it is asked for or may say what became of each record,
 * else its beginning, for messages.
 */
import { SystemError } from '@millrace/core'

/** What a server answered. */
export interface Answer {
  readonly status: number
  /** Status line and headers: see `headerOf`. */
  readonly head: string
  /** Whole, or its first 8 MiB where the status is 207 or 4xx, else its first 4 KiB. */
  readonly body: Buffer
}

/** The value of a header; of one that stands there several times, all of them with commas between. */
export function headerOf({ head }: Answer, name: string): string | undefined {
  const found = [...head.matchAll(new RegExp(`\\r\\n${name}:[ \\t]*([^\\r]*)`, 'gi'))]
  return found.length === 0 ? undefined : found.map(([, value]) => value!.trim()).join(', ')
}

export interface ResponseReader {
  /** Takes what has come. The answer, when that completes it; throws where it is no HTTP. */
  feed(bytes: Buffer): Answer | undefined
  /** The connection has closed: the answer, where its body goes on until then. */
  closed(): Answer | undefined
  /** Something of a response has come. */
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

/** `maxBytes`: bodies of 2xx are needed whole; `page_too_large` is thrown for larger ones. */
export function createResponseReader(maxBytes?: number): ResponseReader {
  let head = ''
  let status = 0
  let body: Body | undefined
  /** Bytes of the body, or of the chunk, that are still to come. */
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
  /** Reads a head; after an interim one there is no body yet, and the next head follows. */
  const start = (text: string) => {
    const found = /^HTTP\/1\.([01]) (\d{3})/.exec(text)
    if (!found) throw new Error('what answered is no HTTP server')
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
  /** A line of the chunked framing, without its end; undefined: it has not come whole. */
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
        if (!/^[0-9a-f]{1,12}(;|\s*$)/i.test(taken.text)) throw new Error('a chunk of the answer has no length')
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
        // The end of the head may stand across two pieces.
        const before = head.length
        head += bytes.toString('latin1')
        const end = head.indexOf(headEnd, Math.max(0, before - 3))
        if (end < 0) {
          if (head.length > longestHead) throw new Error('the head of the answer is too long')
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

/** What a body is that is larger than asked for, before or after decompression. */
export const tooLarge = (maxBytes: number): SystemError =>
  new SystemError('page_too_large', `the answer is larger than ${maxBytes} bytes`, {
    hint: 'ask for smaller pages, or raise `max_body`',
  })
