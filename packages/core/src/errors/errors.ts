/**
 * Errors are part of the product: a stable code, what, where, and what to do next. Three kinds never mix. A data error
 * belongs to one record and goes where `on_error` says. A system error (refused, throttled, auth, disk) is retried if
 * that may help, then stops the run. A finding belongs to the spec and is reported by `check`, all at once.
 */

/**
 * A problem with a config beyond its options' schema, or with a schema. `at`: path inside the config; `key`: the last
 * key of that path is wrong, not its value; `span`: characters within that scalar.
 */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly at: readonly (string | number)[]
  readonly key?: boolean
  readonly span?: readonly [start: number, end: number]
  readonly expected?: string
  readonly got?: string
  readonly hint?: string
}

/** A failure of the run or of the command, as shown to the user: exit code 1 (run), 2 (spec) or 3 (environment). */
export class MillraceError extends Error {
  override readonly name = 'MillraceError'
  readonly code: string
  /** What to do next. */
  readonly hint: string | undefined
  /** Where: file:line:col, or split and position. */
  readonly place: string | undefined
  /** The source, step or sink at which a run failed. */
  readonly node: string | undefined
  readonly exitCode: 1 | 2 | 3

  constructor(
    code: string,
    message: string,
    more: {
      hint?: string | undefined
      place?: string | undefined
      node?: string | undefined
      exitCode?: 1 | 2 | 3
      cause?: unknown
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.hint = more.hint
    this.place = more.place
    this.node = more.node
    this.exitCode = more.exitCode ?? 1
  }
}

/**
 * A value that breaks its declared type or rule. Thrown by expression closures and value converters; built-in steps
 * turn it into `out.fail`.
 */
export class DataError extends Error {
  override readonly name = 'DataError'
  readonly code: string
  readonly field: string | undefined

  constructor(code: string, message: string, field?: string) {
    super(message)
    this.code = code
    this.field = field
  }
}

/**
 * A failure of an external system. `retry: true` for transient failures (refused, reset, throttled, 5xx): the engine
 * repeats the call with backoff and jitter, then stops the run. `retry: false` (auth, missing table, disk full) stops
 * it immediately. Anything else that a connector throws counts as `retry: false`.
 */
export class SystemError extends Error {
  override readonly name = 'SystemError'
  readonly code: string
  readonly retry: boolean
  readonly hint: string | undefined
  /** How long the system asks to wait before the next attempt, ms. */
  readonly waitMs: number | undefined

  constructor(
    code: string,
    message: string,
    more: { retry?: boolean; hint?: string | undefined; waitMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.retry = more.retry ?? false
    this.hint = more.hint
    this.waitMs = more.waitMs
  }
}

/** The failed records of a write, by index. Every record that is not listed was written. */
export interface WriteFailure {
  readonly index: number
  /** `data`: can never succeed; what happens to it is up to `on_error`. `system`: is written again on its own. */
  readonly kind: 'data' | 'system'
  readonly code: string
  readonly message: string
  readonly field?: string
  /** For `system`: how long the system asks to wait before the next attempt, ms. */
  readonly waitMs?: number
}

/**
 * Thrown by `Sink.write` when only some records failed. The order of a key survives retries: a sink must not have
 * written a later record of a key if it lists an earlier one as `system` here.
 */
export class PartialWriteError extends Error {
  override readonly name = 'PartialWriteError'
  readonly failures: readonly WriteFailure[]

  constructor(failures: readonly WriteFailure[]) {
    super(`${failures.length} records of a write failed`)
    this.failures = failures
  }
}
