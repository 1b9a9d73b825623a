/**
 * Named points at which a test can kill the process: `MILLRACE_CRASH_AT=after_save:3` kills it by SIGKILL when
 * `after_save` is passed for the third time. Random kills miss the narrow places (between two statements of a save);
 * these do not. A test in the same process may listen instead, and throw. Without that variable nothing happens.
 */
const [name, count] = (process.env['MILLRACE_CRASH_AT'] ?? '').split(':')
let left = Number(count ?? 1)
let listener: ((point: string) => void) | undefined

/** The points of the engine; sinks have their own on top (`mid_file`). */
export const crashPoints = [
  'mid_begin',
  'after_read',
  'after_transform',
  'before_write',
  'after_write',
  'before_flush',
  'after_flush',
  'before_save',
  'mid_save',
  'after_save',
  'after_record',
  'before_publish',
  'after_publish',
  'after_commit_action',
  'after_commit',
  'before_record',
  'before_end',
  'after_end',
] as const

/** Passed only by pipelines with a side input. */
export const sideCrashPoints = ['side_remembered'] as const

/** Those of `pipe state rescale`. */
export const rescaleCrashPoints = ['rescale_filled', 'rescale_marked', 'rescale_renamed'] as const

/** Dies here if this is the point the test asked for. */
export function crashPoint(point: string): void {
  listener?.(point)
  if (point !== name) return
  if (--left === 0) process.kill(process.pid, 'SIGKILL')
}

/** For tests: hears of every point that is passed, and may throw to end the run there. Undefined: nobody listens. */
export function onCrashPoint(listen: ((point: string) => void) | undefined): void {
  listener = listen
}
