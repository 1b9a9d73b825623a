/** The forms in which answers of the console are sent. Secrets are hidden in all of them. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { hide, hiddenJson, MillraceError } from '@millrace/core'
import type { Live } from './live.ts'

/** A file that a browser saves. */
export interface FileAnswer {
  readonly name: string
  readonly type: string
  /** Its text; each part is whole lines. */
  readonly parts: AsyncIterable<string>
}

const pingMs = 15_000

/** As JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = typeof value === 'string' ? hide(value) : hiddenJson(value)
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(text)
}

/** Refuses, with a code. */
export const refuse = (response: ServerResponse, status: number, code: string): void =>
  sendJson(response, status, { error: { code } })

/** An error as browsers get it. */
export function errorJson(error: unknown): { readonly code: string; readonly message: string; readonly hint?: string } {
  if (!(error instanceof MillraceError)) return { code: 'internal', message: String(error) }
  const { code, message, hint } = error
  return { code, message, ...(hint === undefined ? {} : { hint }) }
}

/** Snapshots: one at once, then one after each change. A comment now and then shows that the connection lives. */
export function sendSnapshots(
  request: IncomingMessage,
  response: ServerResponse,
  live: Pick<Live, 'snapshot' | 'watch'>,
): void {
  beginEvents(response)
  let isFull = false
  const send = () => {
    // A browser that reads slowly gets the next snapshot when it has taken this one.
    if (isFull) return
    isFull = !response.write(event(live.snapshot()))
  }
  response.on('drain', () => {
    isFull = false
    send()
  })
  const stop = live.watch(send)
  const ping = setInterval(() => response.write(': alive\n\n'), pingMs).unref()
  request.on('close', () => {
    stop()
    clearInterval(ping)
  })
  send()
}

/** One event a value, no faster than the browser takes them; a failure is the last one. */
export async function sendEvents(
  response: ServerResponse,
  values: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<void> {
  beginEvents(response)
  const ping = setInterval(() => response.write(': alive\n\n'), pingMs).unref()
  try {
    for await (const value of values) await write(response, event(value), signal)
  } catch (error) {
    if (!signal.aborted) response.write(`event: failed\n${event(errorJson(error))}`)
  } finally {
    clearInterval(ping)
    response.end()
  }
}

/** A file. If it cannot be finished, the connection breaks, so that no browser takes it for whole. */
export async function sendDownload(response: ServerResponse, file: FileAnswer, signal: AbortSignal): Promise<void> {
  const parts = file.parts[Symbol.asyncIterator]()
  // What cannot even begin is answered as an error.
  const first = await parts.next()
  response.writeHead(200, {
    'content-type': file.type,
    'content-disposition': `attachment; filename="${file.name.replaceAll(/[^\w.-]+/g, '-')}"`,
    'cache-control': 'no-store',
  })
  for (let part = first; !part.done; part = await parts.next()) await write(response, hide(part.value), signal)
  response.end()
}

const event = (value: unknown): string => `data: ${hiddenJson(value)}\n\n`

function beginEvents(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
}

async function write(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (!response.write(text)) await once(response, 'drain', { signal })
}
