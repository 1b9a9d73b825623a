/**
 * Inputs that can be read only once, from their beginning: standard input, and FIFOs, sockets and terminals named by a
 * path.
 */
import { constants, createReadStream, openSync } from 'node:fs'
import { connect, Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { type ByteSource, compressionOf, decompress, withoutPauses } from '@millrace/formats'
import type { FileState } from './disk.ts'
import { fileError, noRandomAccess } from './failures.ts'

export interface PipeInput extends ByteSource {
  /** Releases it: while it is open, the process stays alive. */
  close(): void
}

/** Opens the input at a path. A FIFO waits for its first writer and ends with its last one. */
export function openPipe(path: string, name: string, kind: FileState['kind']): PipeInput {
  try {
    if (kind === 'socket') return pipeInput(connect(path), name, path)
    if (kind === 'device') return pipeInput(createReadStream(path), name, path)
    // Without O_NONBLOCK the open, and later each read, would block a thread until somebody writes.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    return pipeInput(new Socket({ fd, readable: true, writable: false }), name, path)
  } catch (error) {
    throw fileError(error, name)
  }
}

/** Reads a stream, once. `path`: its extension shows whether it is compressed. */
export function pipeInput(readable: Readable, name: string, path = name): PipeInput {
  const compression = compressionOf(path)
  return {
    stream: (_from, signal) => {
      const chunks = chunksOf(readable, name, signal)
      return compression ? decompress(withoutPauses(chunks), compression, signal) : chunks
    },
    slice: () =>
      Promise.reject(noRandomAccess(name, 'can only be read from its beginning', 'write it to a file first')),
    close: () => readable.destroy(),
  }
}

async function* chunksOf(readable: Readable, name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = readable[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  try {
    for (;;) {
      const next = chunks.next()
      if (await isPending(next)) yield pause
      const { value, done } = await untilAborted(next, signal)
      if (done) return
      yield value
    }
  } catch (error) {
    throw fileError(error, name)
  }
}

/** See `ByteSource.stream`. */
const pause = new Uint8Array(0)

/** Whether a promise is still pending after one turn of the event loop. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  await turn()
  return !settled
}

/** The next chunk, or the signal's reason: the wait ends with the signal, even if the other end stays open. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
