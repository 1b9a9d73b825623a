/**
 * Reads request bodies within limits: the size of one body, before and after decompression, and the total of those
 * being received, so that neither large nor slow nor many senders fill the memory. Only received bytes count:
 * announcing a large body reserves nothing.
 */
import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, type InputType } from 'node:zlib'
import { busy, type Reply, refusal } from './reply.ts'

/** The total size of the bodies being received. */
export interface Held {
  bytes: number
}

/** The body is not read to its end: the request gets this answer, and its connection is closed. */
export class BodyRefused extends Error {
  readonly reply: Reply
  constructor(reply: Reply) {
    super('the body was refused')
    this.reply = reply
  }
}

const tooLarge = (limit: number): Reply => refusal(413, 'too_large', `the body is larger than ${limit} bytes`)

/** Reads a body of at most `limit` bytes; all together have at most `room`. */
export function readBody(
  request: IncomingMessage,
  limits: { readonly limit: number; readonly room: number },
  held: Held,
  done: (error: Error | null, body?: Buffer) => void,
): void {
  if (Number(request.headers['content-length']) > limits.limit) return done(new BodyRefused(tooLarge(limits.limit)))
  const chunks: Buffer[] = []
  let bytes = 0
  let ended = false
  const end = (error: Error | null, body?: Buffer) => {
    if (ended) return
    ended = true
    held.bytes -= bytes
    done(error, body)
  }
  const take = (chunk: Buffer) => {
    // What still comes after a refusal is not kept.
    if (ended) return
    bytes += chunk.length
    held.bytes += chunk.length
    const refused =
      bytes > limits.limit
        ? tooLarge(limits.limit)
        : held.bytes > limits.room
          ? busy('too many bodies are being received: send it again later')
          : undefined
    if (!refused) return void chunks.push(chunk)
    request.pause()
    end(new BodyRefused(refused))
  }
  const finish = () => end(null, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, bytes))
  const fail = (error: Error) => end(error)
  const gone = () => end(new Error('the client hung up'))
  request.on('data', take).on('end', finish).on('error', fail).on('close', gone)
}

const decompressors: Readonly<
  Record<string, (body: InputType, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

/** A body decompressed according to its `content-encoding`, or the answer if that fails. */
export function decompressed(
  body: Buffer,
  encoding: string | undefined,
  limit: number,
): Buffer | Reply | Promise<Buffer | Reply> {
  if (body.length > limit) return tooLarge(limit)
  if (!encoding || encoding === 'identity') return body
  const decompress = decompressors[encoding]
  if (!decompress) return refusal(415, 'unsupported_encoding', `content-encoding ${encoding} is not supported`)
  return decompress(body, { maxOutputLength: limit }).catch((error: { code?: string }) =>
    error.code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(limit) : refusal(400, 'bad_body', `the body is not ${encoding}`),
  )
}
