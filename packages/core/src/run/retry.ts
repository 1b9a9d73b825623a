/**
 * Calls to connectors. A failure of the system that can pass is repeated with exponential backoff and jitter, for as long
 * as the user says (`retry:`), then stops the run (invariant 8); it never reaches the dead letter.
 *
 * A wrong address should be told soon: until a system has answered once in this process it is waited for 30 s at most,
 * unless the spec says how long or the pipeline continues a run that has saved before. While the run is stopping, nothing
 * is waited for longer than 5 s: what is not saved comes again at the next start.
 *
 * Errors are recognised by name, since a connector may bring its own copy of core.
 *
 * Decision: docs/decisions/20261130-retries-are-the-users.md
 */
import type { Clock } from '../clock.ts'
import { MillraceError, type SystemError } from '../errors/index.ts'
import type { Observer } from './observe.ts'
import { defaultRetry } from '../spec/retry.ts'
import { durationText } from '../spec/units.ts'
import type { Connected } from './nodes.ts'

const firstContactMs = 30_000
const stoppingMs = 5_000

/** Repeats one thing until it works. */
export interface Attempts {
  /** It failed: waits until it is to be tried again. Throws what ends the run, where it cannot pass or took too long. */
  again(error: unknown): Promise<void>
  /** It worked, if only for a while. */
  worked(): void
}

export interface Calls {
  /**
   * Calls a connector until it succeeds. While it is under way the node counts as busy. `giveUp`: aborted, it is not tried
   * again; default: when the run is aborted.
   */
  call<T>(node: Connected, doing: string, body: () => Promise<T> | T, giveUp?: AbortSignal): Promise<T>
  attempts(node: Connected, doing: string, giveUp?: AbortSignal): Attempts
  /** Nodes that something is under way at, and what. */
  busy(): readonly { readonly node: Connected; readonly doing: string }[]
}

export interface CallsContext {
  readonly clock: Clock
  readonly observe: Observer
  /** Aborted: nothing is tried again. */
  readonly signal: AbortSignal
  /** The pipeline continues, and has saved before: its systems are known to be there. */
  readonly known: boolean
  isStopping(): boolean
}

export function createCalls({ clock, observe, signal, known, isStopping }: CallsContext): Calls {
  const answered = new Set<string>()
  const underWay = new Set<{ readonly node: Connected; readonly doing: string }>()
  const patienceMs = ({ id, retry }: Connected): number => {
    const own = retry.forMs ?? Number.POSITIVE_INFINITY
    if (isStopping()) return Math.min(own, stoppingMs)
    return retry !== defaultRetry || known || answered.has(id) ? own : Math.min(own, firstContactMs)
  }
  const attempts: Calls['attempts'] = (node, doing, giveUp = signal) => {
    let attempt = 0
    let sinceMs = 0
    // Until a system has answered, it is the environment that is wrong.
    const exitCode = () => (answered.has(node.id) ? 1 : 3)
    return {
      async again(error) {
        attempt++
        if (attempt === 1) sinceMs = clock.monotonic()
        if (!isRetryable(error) || giveUp.aborted) throw asRunError(error, node, doing, exitCode())
        const waitedMs = clock.monotonic() - sinceMs
        const forMs = patienceMs(node)
        if (waitedMs >= forMs)
          throw asRunError(
            error,
            node,
            `${doing}, ${attempt} times in ${durationText(Math.round(waitedMs / 100) * 100)}`,
            exitCode(),
          )
        const { firstMs, maxMs } = node.retry
        const asked = (error as SystemError).waitMs ?? 0
        const backoff = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30)) * (0.5 + Math.random() / 2)
        const waitMs = Math.min(Math.max(asked, backoff), Math.max(0, forMs - waitedMs))
        const { message } = error as Error
        observe({ type: 'retry', node: node.id, doing, message, attempt, waitMs, sinceMs: waitedMs, forMs })
        await clock.sleep(waitMs, giveUp)
        if (giveUp.aborted) throw asRunError(error, node, doing)
      },
      worked() {
        attempt = 0
        answered.add(node.id)
      },
    }
  }
  return {
    attempts,
    async call(node, doing, body, giveUp) {
      const tries = attempts(node, doing, giveUp)
      const mark = { node, doing }
      underWay.add(mark)
      try {
        for (;;) {
          try {
            const result = await body()
            tries.worked()
            return result
          } catch (error) {
            await tries.again(error)
          }
        }
      } finally {
        underWay.delete(mark)
      }
    },
    busy: () => [...underWay],
  }
}

const named = (error: unknown, name: string): boolean => error instanceof Error && error.name === name

export const isRetryable = (error: unknown): boolean => named(error, 'SystemError') && (error as SystemError).retry
export const isPartial = (error: unknown): boolean => named(error, 'PartialWriteError')

/**
 * Any failure as one for a person: what a connector threw, at which node. A record that stopped the run is left as it is:
 * its place is looked up later.
 */
export function asRunError(
  error: unknown,
  node: { readonly id: string; readonly package?: string },
  doing: string,
  exitCode: 1 | 3 = 1,
): Error {
  if (named(error, 'MillraceError') || named(error, 'DataStop')) return error as Error
  const place = `${node.id}, ${doing}`
  if (named(error, 'SystemError')) {
    const { code, message, hint } = error as SystemError
    return new MillraceError(code, message, { place, hint, exitCode, cause: error })
  }
  const message = error instanceof Error ? error.message : String(error)
  const whose = node.package ? ` of ${node.package}` : ''
  return new MillraceError('unexpected', message, {
    place,
    hint: `the connector or step${whose} threw an error that is not one of its contract: report it there, with the stack`,
    exitCode,
    cause: error,
  })
}
