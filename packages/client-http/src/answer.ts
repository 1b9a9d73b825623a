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
  /** Part of it has arrived. */
  readonly begun: boolean
  start(status: number, headers: Answer['headers']): void
  /** True: the rest is not needed, and too long to wait for. Throws `answer_too_large`. */
  take(bytes: Buffer): boolean
  answer(): Answer
}

/** The most that is kept of an answer that may name records, and read of any that need not be whole. */
const namesRecords = 8 * 1024 * 1024
const beginning = 4096

const keptBytes = (status: number): number =>
  status === 207 || (status >= 400 && status < 500) ? namesRecords : beginning

/** A class, since there is one for each request: its methods cost nothing. */
class Receiving implements Reception {
  readonly #maxBytes: number | undefined
  #status = 0
  #headers: Answer['headers'] = noHeaders
  #read = 0
  #kept = 0
  #parts: Buffer[] | undefined
  constructor(maxBytes: number | undefined) {
    this.#maxBytes = maxBytes
  }
  get begun() {
    return this.#status !== 0
  }
  start(status: number, headers: Answer['headers']) {
    this.#status = status
    this.#headers = headers
  }
  take(bytes: Buffer): boolean {
    this.#read += bytes.length
    const isWhole = this.#status < 300 && this.#maxBytes !== undefined
    const most = isWhole ? this.#maxBytes! : keptBytes(this.#status)
    if (isWhole && this.#read > most) throw tooLarge(most)
    // Copied, since the bytes that the library hands over are its own.
    if (this.#kept < most && bytes.length > 0) {
      const part = Buffer.from(bytes.subarray(0, most - this.#kept))
      ;(this.#parts ??= []).push(part)
      this.#kept += part.length
    }
    return !isWhole && this.#read >= namesRecords
  }
  answer(): Answer {
    const parts = this.#parts
    const body = !parts ? none : parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    return { status: this.#status, headers: this.#headers, body }
  }
}

/** `maxBytes`: bodies of 2xx are needed completely; larger ones throw `answer_too_large`. */
export const createReception = (maxBytes: number | undefined): Reception => new Receiving(maxBytes)

const noHeaders: Answer['headers'] = {}
const none = Buffer.alloc(0)

/** The error for a body that is larger than allowed, before or after decompression. */
export const tooLarge = (maxBytes: number): SystemError =>
  new SystemError('answer_too_large', `the answer is larger than ${maxBytes} bytes`, {
    hint: 'ask for less at a time: smaller pages, fewer records per request; `max_body` raises the limit of a page',
  })
