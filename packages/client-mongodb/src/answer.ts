/**
 * Waits for an operation of the driver no longer than the driver itself could have meant to. The driver awaits the
 * `drain` event of a socket without hearing that it was closed (`writeCommand`, 7.8), so an operation whose connection
 * dies while it is being written never ends: docs/decisions/20261202-operations-that-never-end.md
 */
import type { MongoClient } from 'mongodb'
import { SystemError, unlessAborted } from '@millrace/core'

/** How long a socket may be silent within an operation, ms: longer than the server waits for a majority. */
export const silentMs = 45_000
/** From when an operation whose socket has been closed for silence is given up, ms. */
const longestMs = silentMs + 5000
/** What an operation gets after the driver has given up the server's connections: a new attempt takes 5 s at most. */
const afterClearedMs = 15_000

/** What is waited for. */
export interface Waiting {
  readonly signal: AbortSignal
  /** For the message of an abort: `waiting for MongoDB`. */
  readonly doing: string
  /** It may take longer than a socket may be silent: an index is built. */
  readonly isLong?: boolean
}

/** An operation that the driver does not end; its client is of no more use and has to be closed. */
export class NeverEnding extends SystemError {
  constructor(afterMs: number) {
    super('unavailable', `MongoDB cannot be reached: an operation had no answer within ${afterMs / 1000} s`, {
      retry: true,
      hint: 'check that the servers of `url` run and can be reached from here',
    })
  }
}

/** Settles as `operation` does. Throws `NeverEnding`, or `aborted` as soon as the signal aborts. */
export async function answered<T>(client: MongoClient, operation: Promise<T>, waiting: Waiting): Promise<T> {
  const late = Promise.withResolvers<never>()
  late.promise.catch(() => {})
  const within = (ms: number) => setTimeout(() => late.reject(new NeverEnding(ms)), ms)
  const timers = waiting.isLong ? [] : [within(longestMs)]
  const onCleared = () => timers.push(within(afterClearedMs))
  client.once('connectionPoolCleared', onCleared)
  try {
    return await unlessAborted(Promise.race([operation, late.promise]), waiting.signal, waiting.doing)
  } finally {
    client.off('connectionPoolCleared', onCleared)
    for (const timer of timers) clearTimeout(timer)
    // It may still fail, unheard.
    operation.catch(() => {})
  }
}
