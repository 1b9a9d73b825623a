/** The bytes of an answer, as they arrive. */
import { SystemError, unlessAborted } from '@millrace/core'

/** An answer that stops for this long, ms, is given up: its connection may be dead. */
const silenceMs = 30_000

/**
 * The chunks of a body, each a buffer of its own. Throws what `failed` makes of a failure; rejects as soon as the
 * signal aborts. The connection is cut if the reader stops early.
 */
export async function* chunksOf(
  body: AsyncIterable<Uint8Array> & { destroy(): void },
  signal: AbortSignal,
  failed: (error: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]()
  let isEnded = false
  // The reader may take its time: only the wait for the service counts.
  let isWaiting = false
  const silence = setTimeout(() => isWaiting && body.destroy(), silenceMs)
  try {
    for (;;) {
      silence.refresh()
      isWaiting = true
      const { value, done } = await unlessAborted(chunks.next(), signal, 'reading an object')
      if (done) {
        isEnded = true
        return
      }
      isWaiting = false
      yield value
    }
  } catch (error) {
    throw error instanceof SystemError ? error : failed(error)
  } finally {
    clearTimeout(silence)
    if (!isEnded) body.destroy()
  }
}
