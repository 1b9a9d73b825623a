/** GET with limits: on addresses, redirects, time and size. */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, type InputType } from 'node:zlib'
import { SystemError } from '@millrace/core'
import { checkHost, publicLookup } from './address.ts'

/** An answer, whatever its status. */
export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Decompressed. */
  readonly body: Buffer
  /** Where it came from in the end. */
  readonly url: URL
}

/** Keeps connections open between requests. */
export interface Getter {
  /** Follows redirects. Throws `SystemError`: one that can be retried where nothing was heard. */
  get(url: URL, signal: AbortSignal): Promise<Answered>
  close(): void
}

/** What a request may do. */
export interface Limits {
  /** Sent to `origin` only: a redirect or link to another host must not carry a token there. */
  readonly headers: Readonly<Record<string, string>>
  readonly origin: string
  readonly timeoutMs: number
  readonly maxBytes: number
  readonly allowPrivate: boolean
}

const maxRedirects = 5

/** Makes what asks within these limits. */
export function createGetter(limits: Limits): Getter {
  const options = { keepAlive: true, maxSockets: 4 }
  let agents: { readonly plain: Agent; readonly secure: SecureAgent } | undefined
  const once = (url: URL, signal: AbortSignal): Promise<IncomingMessage> => {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new SystemError('bad_redirect', `${url.protocol} is not called, only http: and https:`)
    if (!limits.allowPrivate) checkHost(url)
    agents ??= { plain: new Agent(options), secure: new SecureAgent(options) }
    const isPlain = url.protocol === 'http:'
    return new Promise((resolve, reject) => {
      const headers = {
        accept: '*/*',
        'accept-encoding': 'gzip, deflate, br',
        ...(url.origin === limits.origin ? limits.headers : {}),
      }
      const common = { headers, signal, ...(limits.allowPrivate ? {} : { lookup: publicLookup }) }
      const request = isPlain
        ? plainRequest(url, { ...common, agent: agents!.plain })
        : secureRequest(url, { ...common, agent: agents!.secure })
      request.on('response', resolve).on('error', reject).end()
    })
  }
  const follow = async (from: URL, signal: AbortSignal): Promise<Answered> => {
    let url = from
    for (let hops = 0; ; hops++) {
      const response = await once(url, signal)
      const { statusCode: status = 0, headers } = response
      if (!headers.location || ![301, 302, 303, 307, 308].includes(status))
        return { status, headers, url, body: await bodyOf(response, limits.maxBytes) }
      response.resume()
      const next = new URL(headers.location, url)
      if (hops === maxRedirects)
        throw new SystemError(
          'bad_redirect',
          `${from.origin}${from.pathname} redirects more than ${maxRedirects} times`,
        )
      if (url.protocol === 'https:' && next.protocol === 'http:')
        throw new SystemError('bad_redirect', `${url.origin} redirects to ${next.origin}, which is not encrypted`)
      url = next
    }
  }
  return {
    async get(url, signal) {
      const timeout = AbortSignal.timeout(limits.timeoutMs)
      try {
        return await follow(url, AbortSignal.any([signal, timeout]))
      } catch (error) {
        if (signal.aborted || (error as Error).name === 'SystemError') throw error
        const where = `${url.origin}${url.pathname}`
        if (timeout.aborted)
          throw new SystemError('no_answer', `${where} gave no whole answer within ${limits.timeoutMs / 1000} s`, {
            retry: true,
            cause: error,
          })
        const { code, message } = error as NodeJS.ErrnoException
        throw new SystemError('unavailable', `${where} cannot be reached: ${message || code}`, {
          retry: true,
          hint: 'is the address right, and can it be reached from here?',
          cause: error,
        })
      }
    },
    close() {
      agents?.plain.destroy()
      agents?.secure.destroy()
    },
  }
}

const decompressors: Readonly<
  Record<string, (body: InputType, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

async function bodyOf(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = () =>
    new SystemError('page_too_large', `the answer is larger than ${maxBytes} bytes`, {
      hint: 'ask for smaller pages, or raise `max_body`',
    })
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) {
      response.destroy()
      throw tooLarge()
    }
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  const encoding = response.headers['content-encoding']
  if (!encoding || encoding === 'identity' || body.length === 0) return body
  const decompress = decompressors[encoding]
  if (!decompress)
    throw new SystemError('bad_page', `the answer has content-encoding ${encoding}, which is not understood`)
  try {
    return await decompress(body, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge()
    throw new SystemError('bad_page', `the answer is no ${encoding}`, { retry: true, cause: error })
  }
}
