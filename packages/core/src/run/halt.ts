/**
 * The first failure of a component stops it, synchronously: from that moment no barrier is taken, whichever timer
 * fires, and nothing waits for an event that will never come. So nothing after the last complete hand-over is saved.
 */

export interface Halt {
  /** What failed; undefined: nothing has. */
  readonly failure: unknown
  readonly isHalted: boolean
  /** Stops the component; only the first failure counts. */
  fail(error: unknown): void
  /** Calls back at the failure, or immediately if it has already happened. The returned function unsubscribes. */
  onFail(then: (error: unknown) => void): () => void
  /** Rejects with the failure as soon as there is one, otherwise settles like `promise`. */
  unlessHalted<T>(promise: Promise<T>): Promise<T>
}

/** `tearDown` is called with the failure. */
export function createHalt(tearDown: (error: unknown) => void): Halt {
  let failed: { readonly error: unknown } | undefined
  const listeners = new Set<(error: unknown) => void>()
  const onFail: Halt['onFail'] = (then) => {
    if (failed) then(failed.error)
    else listeners.add(then)
    return () => listeners.delete(then)
  }
  return {
    get failure() {
      return failed?.error
    },
    get isHalted() {
      return failed !== undefined
    },
    fail(error) {
      if (failed) return
      failed = { error }
      tearDown(error)
      for (const listen of listeners) listen(error)
      listeners.clear()
    },
    onFail,
    // Not Promise.race: racing against a promise that lives as long as the run would leak every other promise.
    unlessHalted: (promise) =>
      new Promise((resolve, reject) => {
        const off = onFail(reject)
        promise.then(
          (value) => {
            off()
            resolve(value)
          },
          (error) => {
            off()
            reject(error)
          },
        )
      }),
  }
}
