/**
 * What is kept of an answer: its status and headers, and of the body what is needed. A body is kept completely if it
 * was asked for or may contain the outcome of each record, otherwise its beginning, for messages.
 */
import { SystemError } from '@millrace/core'

/** A server's answer. */
export interface Answer {
  readonly status: number
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Complete, or its first 8 MiB if it may name records, else its first 4 KiB. */
  readonly body: Buffer
}

/** The value of a header, named in lower case; repeated ones are joined by commas. */
export function headerOf({ headers }: Answer, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The answer while it arrives. */
export interface Reception {
  readonly begun: boolean
  start(status: number, headers: Answer['headers']): void
  /** Throws `page_too_large`. */
  take(bytes: Uint8Array): void
  answer(): Answer
}

const namesRecords = 8 * 1024 * 1024
const beginning = 4096

/** `maxBytes`: bodies of 2xx are needed completely; larger ones throw `page_too_large`. */
export function createReception(maxBytes: number | undefined): Reception {
  let status = 0
  let headers: Answer['headers'] = {}
  let most = 0
  let size = 0
  const kept: Uint8Array[] = []
  return {
    get begun() {
      return status !== 0
    },
    start(of, all) {
      status = of
      headers = all
      most = of < 300 && maxBytes !== undefined ? maxBytes : of < 500 ? namesRecords : beginning
    },
    take(bytes) {
      if (size + bytes.length > most && status < 300 && maxBytes !== undefined) throw tooLarge(most)
      const part = bytes.subarray(0, most - size)
      if (part.length === 0) return
      kept.push(part)
      size += part.length
    },
    answer: () => ({ status, headers, body: Buffer.concat(kept) }),
  }
}

/** The error for a body that is larger than allowed, before or after decompression. */
export const tooLarge = (maxBytes: number): SystemError =>
  new SystemError('page_too_large', `the answer is larger than ${maxBytes} bytes`, {
    hint: 'request smaller pages, or raise `max_body`',
  })
