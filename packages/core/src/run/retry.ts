/**
 * Calls to connectors. A transient system error is retried with exponential backoff and jitter for as long as the spec
 * says (`retry:`), then stops the run (invariant 8); it never reaches the dead letter.
 *
 * A wrong address should be reported soon: until a system has answered once in this process, it is retried for 30 s at
 * most, unless the spec sets a time or the pipeline continues a run that has saved before. While the run is stopping,
 * nothing is retried for longer than 5 s: what is not saved is read again at the next start. A wait that the system
 * asks for (`SystemError.waitMs`) is kept; one that is longer than the time left stops the run immediately.
 *
 * Errors are recognised by name, since a connector may bring its own copy of core.
 *
 * Decision: docs/decisions/20261130-retries-are-the-users.md
 */
import type { Clock } from '../clock.ts'
import type { Attempts } from '../connector/index.ts'
import { MillraceError, type SystemError } from '../errors/index.ts'
import type { Observer } from './observe.ts'
import { defaultRetry } from '../spec/retry.ts'
import { durationText } from '../spec/units.ts'
import type { ConnectorNode } from './nodes.ts'

const firstContactMs = 30_000
const stoppingMs = 5_000

export interface Calls {
  /**
   * Calls a connector until it succeeds; meanwhile the node counts as busy. `giveUp`: once aborted, it is not retried;
   * default: the abort of the run.
   */
  call<T>(node: ConnectorNode, doing: string, body: () => Promise<T> | T, giveUp?: AbortSignal): Promise<T>
  attempts(node: ConnectorNode, doing: string, giveUp?: AbortSignal): Attempts
  /** The calls that are in flight, by node. */
  busy(): readonly { readonly node: ConnectorNode; readonly doing: string }[]
  /** Nodes whose system does not answer: since when, ms UTC. */
  readonly failing: ReadonlyMap<string, number>
}

export interface CallsContext {
  readonly clock: Clock
  readonly observe: Observer
  /** Aborted: nothing is retried. */
  readonly signal: AbortSignal
  /** Gets when the system of a node has answered. */
  answered(node: string, nowMs: number): void
  /** The pipeline continues and has saved before: its systems are known to exist. */
  readonly hasSavedBefore: boolean
  isStopping(): boolean
}

export function createCalls(ctx: CallsContext): Calls {
  const { clock, observe, signal, hasSavedBefore, isStopping } = ctx
  const answered = new Set<string>()
  const failing = new Map<string, number>()
  const inFlight = new Set<{ readonly node: ConnectorNode; readonly doing: string }>()
  const timeoutMs = ({ id, retry }: ConnectorNode): number => {
    const own = retry.forMs ?? Number.POSITIVE_INFINITY
    if (isStopping()) return Math.min(own, stoppingMs)
    return retry !== defaultRetry || hasSavedBefore || answered.has(id) ? own : Math.min(own, firstContactMs)
  }
  const attempts: Calls['attempts'] = (node, doing, giveUp = signal) => {
    let attempt = 0
    let sinceMs = 0
    // As long as a system has never answered, the fault is in the environment: exit code 3.
    const exitCode = () => (answered.has(node.id) ? 1 : 3)
    return {
      async waitToRetry(error) {
        attempt++
        if (attempt === 1) sinceMs = clock.monotonic()
        if (!isRetryable(error) || giveUp.aborted) throw asRunError(error, node, doing, exitCode())
        const requestedMs = (error as SystemError).waitMs
        if (requestedMs !== undefined) answered.add(node.id)
        const waitedMs = clock.monotonic() - sinceMs
        const forMs = timeoutMs(node)
        const leftMs = forMs - waitedMs
        if (leftMs <= 0 || (requestedMs ?? 0) > leftMs) {
          const tries = attempt === 1 ? '' : `, ${attempt} times in ${durationText(Math.round(waitedMs / 100) * 100)}`
          throw asRunError(error, node, `${doing}${tries}`, exitCode())
        }
        const { firstMs, maxMs } = node.retry
        const backoff = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30)) * (0.5 + Math.random() / 2)
        const waitMs = Math.min(Math.max(requestedMs ?? 0, backoff), leftMs)
        const { message, code: reason } = error as SystemError
        if (!failing.has(node.id)) failing.set(node.id, clock.now())
        observe({ type: 'retry', node: node.id, doing, reason, message, attempt, waitMs, sinceMs: waitedMs, forMs })
        await clock.sleep(waitMs, giveUp)
        if (giveUp.aborted) throw asRunError(error, node, doing, exitCode())
      },
      succeeded() {
        ctx.answered(node.id, clock.now())
        if (attempt > 0)
          observe({ type: 'recovered', node: node.id, doing, afterMs: Math.round(clock.monotonic() - sinceMs) })
        attempt = 0
        failing.delete(node.id)
        answered.add(node.id)
      },
    }
  }
  return {
    attempts,
    async call(node, doing, body, giveUp) {
      const tries = attempts(node, doing, giveUp)
      const mark = { node, doing }
      inFlight.add(mark)
      try {
        for (;;) {
          try {
            const result = await body()
            tries.succeeded()
            return result
          } catch (error) {
            await tries.waitToRetry(error)
          }
        }
      } finally {
        inFlight.delete(mark)
      }
    },
    busy: () => [...inFlight],
    failing,
  }
}

const named = (error: unknown, name: string): boolean => error instanceof Error && error.name === name

export const isRetryable = (error: unknown): boolean => named(error, 'SystemError') && (error as SystemError).retry
export const isPartial = (error: unknown): boolean => named(error, 'PartialWriteError')

/**
 * Turns whatever a connector threw into an error that names the node. A record that stopped the run is left as it is:
 * its place is looked up later.
 */
export function asRunError(
  error: unknown,
  node: { readonly id: string; readonly package?: string },
  doing: string,
  exitCode: 1 | 3 = 1,
): Error {
  if (named(error, 'DataStop')) return error as Error
  if (named(error, 'MillraceError'))
    return Object.assign(error as Error, { node: (error as MillraceError).node ?? node.id })
  const place = `${node.id}, ${doing}`
  if (named(error, 'SystemError')) {
    const { code, message, hint } = error as SystemError
    return new MillraceError(code, message, { place, node: node.id, hint, exitCode, cause: error })
  }
  const message = error instanceof Error ? error.message : String(error)
  const whose = node.package ? ` in ${node.package}` : ''
  return new MillraceError('unexpected', message, {
    place,
    node: node.id,
    hint: `the connector or step${whose} threw an error that its contract does not allow: report it to its author, with the stack trace`,
    exitCode,
    cause: error,
  })
}
