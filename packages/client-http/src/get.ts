/** GET, with the body decompressed. */
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, type InputType } from 'node:zlib'
import { SystemError } from '@millrace/core'
import { type Answer, headerOf, tooLarge } from './answer.ts'
import type { Answered, Caller } from './caller.ts'

const accepted = ['accept', '*/*', 'accept-encoding', 'gzip, deflate, br']

/**
 * The answer to a GET; for 2xx the body is complete and decompressed, at most `maxBytes` long. An abort closes the
 * caller's connections.
 */
export async function get(caller: Caller, url: URL, maxBytes: number, signal: AbortSignal): Promise<Answered> {
  signal.throwIfAborted()
  const stop = () => caller.close(signal.reason as Error)
  signal.addEventListener('abort', stop)
  try {
    const answer = await caller.call({ method: 'GET', url, headers: accepted })
    return { ...answer, body: await bodyOf(answer, maxBytes) }
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

const decompressors: Readonly<
  Record<string, (body: InputType, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

async function bodyOf(answer: Answer, maxBytes: number): Promise<Buffer> {
  const { body, status } = answer
  const encoding = headerOf(answer, 'content-encoding')
  if (!encoding || encoding === 'identity' || body.length === 0 || status >= 300) return body
  const decompress = decompressors[encoding]
  if (!decompress)
    throw new SystemError('bad_page', `the answer has content-encoding ${encoding}, which is not supported`)
  try {
    return await decompress(body, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
    throw new SystemError('bad_page', `the answer is not ${encoding}`, { retry: true, cause: error })
  }
}
