/**
 * How a run stops. On a stop request it drains: sources end, and what is in flight is written and saved. If that takes
 * too long, the run is aborted, and everything that waits has to end within a second. A call that does not is abandoned
 * and named in the error.
 */
import type { Clock } from '../clock.ts'
import { MillraceError } from '../errors/index.ts'
import type { Observer } from './observe.ts'
import type { Calls } from './retry.ts'

/** How long something may take to end after its signal. */
export const graceMs = 2000

export interface Shutdown {
  /** The drain took too long. */
  readonly isOverdue: boolean
  /** Aborts everything because of a failure; `explain` returns the error to show to the user. */
  tearDown(explain: () => Promise<unknown>): void
  /**
   * Settles like `work`, or rejects if it keeps running after the abort: with the failure that caused the abort, if
   * there was one.
   */
  unlessAbandoned<T>(work: Promise<T>): Promise<T>
  dispose(): void
}

export interface ShutdownContext {
  readonly clock: Clock
  readonly observe: Observer
  readonly calls: Calls
  readonly stop: AbortSignal
  readonly abort: AbortController
  readonly drainMs: number
}

export function createShutdown({ clock, observe, calls, stop, abort, drainMs }: ShutdownContext): Shutdown {
  let isOverdue = false
  let failure: (() => Promise<unknown>) | undefined
  const timers: (() => void)[] = []
  const onStop = () => {
    observe({ type: 'stopping', reason: 'stop requested: draining' })
    const end = () => {
      isOverdue = true
      abort.abort()
    }
    timers.push(clock.after(drainMs, end))
  }
  if (stop.aborted) onStop()
  else stop.addEventListener('abort', onStop, { once: true })
  return {
    get isOverdue() {
      return isOverdue
    },
    tearDown(explain) {
      // Later failures are consequences of the first.
      if (!abort.signal.aborted) failure = explain
      abort.abort()
    },
    unlessAbandoned: (work) =>
      new Promise((resolve, reject) => {
        const giveUp = () => {
          const error = abandoned(calls)
          if (!failure) return reject(error)
          observe({ type: 'warning', node: error.place ?? '', message: error.message })
          failure().then(reject, reject)
        }
        const onAbort = () => void timers.push(clock.after(graceMs, giveUp))
        if (abort.signal.aborted) onAbort()
        else abort.signal.addEventListener('abort', onAbort, { once: true })
        work.then(resolve, reject).finally(() => abort.signal.removeEventListener('abort', onAbort))
      }),
    dispose() {
      stop.removeEventListener('abort', onStop)
      for (const cancel of timers) cancel()
    },
  }
}

function abandoned(calls: Calls): MillraceError {
  const busy = calls.busy()
  const calling = busy.map(({ node, doing }) => `${node.id} (${node.package}), ${doing}`).join('; ')
  return new MillraceError(
    'abandoned',
    `${calling || 'a source or step'} kept running for ${graceMs / 1000} s after the run was aborted`,
    {
      place: busy[0]?.node.id,
      hint: 'nothing is lost: run again and it resumes from the last save. A connector must end within a second of its signal: report this to the author of the package',
    },
  )
}

/** Resolves when `work` settles, or after the grace period if it hangs. */
export function withinGrace(work: Promise<unknown> | undefined, clock: Clock): Promise<void> {
  if (!work) return Promise.resolve()
  return new Promise((resolve) => {
    const cancel = clock.after(graceMs, resolve)
    const done = () => {
      cancel()
      resolve()
    }
    work.then(done, done)
  })
}
