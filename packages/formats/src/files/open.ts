/** Files and standard input as bytes. */
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { MillraceError, SystemError } from '@millrace/core'
import { type Compression, decompress } from '../compression.ts'
import type { ByteSource } from '../reader.ts'

const chunkBytes = 64 * 1024

/** What went wrong with a file, for a person: exit code 3 where it is missing or closed to us. */
export function fileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new MillraceError('input_missing', `${path} is not there`, {
        exitCode: 3,
        cause: error,
        hint: 'check the path: it is relative to the project folder',
      })
    case 'EACCES':
    case 'EPERM':
      return new MillraceError('input_unreadable', `${path} may not be read by this user`, {
        exitCode: 3,
        cause: error,
        hint: `allow it, for example: chmod a+r ${path}`,
      })
    case 'EISDIR':
      return new MillraceError('input_unreadable', `${path} is a folder`, { exitCode: 3, cause: error })
    default:
      return new SystemError('input_unreadable', `${path} cannot be read: ${message}`, {
        retry: code === 'EIO' || code === 'EMFILE' || code === 'EAGAIN',
        cause: error,
      })
  }
}

/** An input file that is not what it was when reading began. */
export const inputChanged = (name: string, how: string): MillraceError =>
  new MillraceError('input_changed', `${name} ${how} since the run began to read it`, {
    hint: 'put the file back as it was and run again, or forget what was read with `pipe state reset`',
  })

/** Chunks of a plain file from an offset on. Reads one chunk ahead. Throws `input_changed` where it ends before `size`. */
async function* chunksOf(
  path: string,
  name: string,
  from: number,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const file = await open(path).catch((error) => Promise.reject(fileError(error, name)))
  let at = from
  const read = async () => {
    const buffer = Buffer.allocUnsafeSlow(chunkBytes)
    const { bytesRead } = await file.read(buffer, 0, chunkBytes, at)
    at += bytesRead
    return buffer.subarray(0, bytesRead)
  }
  let next = read()
  try {
    for (;;) {
      const chunk = await next
      signal.throwIfAborted()
      if (chunk.length === 0) break
      next = read()
      yield chunk
    }
    if (at < size) throw inputChanged(name, 'became shorter')
  } catch (error) {
    throw signal.aborted ? error : fileError(error, name)
  } finally {
    await next.catch(() => {})
    await file.close()
  }
}

/** Leaves out the first `from` bytes. Throws `input_changed` where there are fewer. */
async function* skip(chunks: AsyncIterable<Uint8Array>, name: string, from: number): AsyncGenerator<Uint8Array> {
  let left = from
  for await (const chunk of chunks) {
    if (left < chunk.length) yield left > 0 ? chunk.subarray(left) : chunk
    left = Math.max(0, left - chunk.length)
  }
  if (left > 0) throw inputChanged(name, 'became shorter')
}

/** A file's bytes. `name`: what messages call it; `size`: what it had when it was found. A compressed file is read from its beginning each time. */
export function fileSource(path: string, name: string, size: number, compression: Compression | undefined): ByteSource {
  if (compression) {
    return {
      stream: (from, signal) =>
        skip(namedBroken(decompress(chunksOf(path, name, 0, size, signal), compression, signal), name), name, from),
      slice: () =>
        Promise.reject(
          new MillraceError('no_random_access', `${name} is compressed, and its format needs to be read at any place`, {
            hint: 'decompress it first',
          }),
        ),
    }
  }
  return {
    size,
    stream: (from, signal) => chunksOf(path, name, from, size, signal),
    async slice(start, end) {
      const file = await open(path).catch((error) => Promise.reject(fileError(error, name)))
      try {
        const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(end, size) - start))
        let at = 0
        while (at < buffer.length) {
          const { bytesRead } = await file.read(buffer, at, buffer.length - at, start + at)
          if (bytesRead === 0) throw inputChanged(name, 'became shorter')
          at += bytesRead
        }
        return buffer
      } catch (error) {
        throw fileError(error, name)
      } finally {
        await file.close()
      }
    },
  }
}

/** Broken compression says which file. */
async function* namedBroken(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'broken_compression') throw error
    throw new MillraceError(error.code, `${name}: ${error.message}`, { hint: error.hint, cause: error })
  }
}

/** Standard input: it can be streamed once, after a look at its beginning. */
export interface StdinSource extends ByteSource {
  /** Its beginning until it is `enough`, or all of it. What was looked at comes in the stream as well. */
  peek(enough: (bytes: Buffer) => boolean, signal: AbortSignal): Promise<Buffer>
  /** Lets go of it: while it is held open, the process stays alive. */
  close(): void
}

export function stdinSource(stdin: Readable = process.stdin): StdinSource {
  const chunks = stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  let held: Buffer = Buffer.alloc(0)

  /** The next chunk. A wait for it ends with the signal, though the pipe stays open. */
  async function next(signal: AbortSignal): Promise<Uint8Array | undefined> {
    signal.throwIfAborted()
    let stop = () => {}
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason)
      signal.addEventListener('abort', stop, { once: true })
    })
    try {
      const { value, done } = await Promise.race([chunks.next(), aborted])
      return done ? undefined : value
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  return {
    async peek(enough, signal) {
      while (!enough(held)) {
        const chunk = await next(signal)
        if (!chunk) break
        held = Buffer.concat([held, chunk])
      }
      return held
    },
    async *stream(_from, signal) {
      if (held.length) yield held
      held = Buffer.alloc(0)
      for (let chunk = await next(signal); chunk; chunk = await next(signal)) yield chunk
    },
    close: () => stdin.destroy(),
    slice: () =>
      Promise.reject(
        new MillraceError(
          'no_random_access',
          'standard input can only be read from its beginning, and its format needs to be read at any place',
          {
            hint: 'write it to a file first',
          },
        ),
      ),
  }
}
