/**
 * The first failure of a component ends it, at once and synchronously: from that moment on no barrier is taken,
 * whatever timer fires, and nothing waits for what will never arrive. So nothing is saved that came after the last
 * complete hand-over.
 */

export interface Halt {
  /** What failed; undefined: nothing has. */
  readonly failure: unknown
  readonly isHalted: boolean
  /** Ends the component; only the first failure counts. */
  fail(error: unknown): void
  /** Calls back at the failure, or at once if it has already happened. The returned function unsubscribes. */
  onFail(then: (error: unknown) => void): () => void
  /** Rejects with the failure as soon as there is one, else settles like `promise`. */
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
    // A race with a promise as old as the run would keep every promise alive.
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
