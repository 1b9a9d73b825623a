/**
 * Named points at which a test can kill the process: with `MILLRACE_CRASH_AT=after_save:3` it kills itself by SIGKILL
 * when it passes `after_save` for the third time. Random kills miss narrow windows (between two statements of a save);
 * these do not. A test in the same process may instead register a listener that throws. Without the variable nothing
 * happens.
 */
const [name, count] = (process.env['MILLRACE_CRASH_AT'] ?? '').split(':')
let left = Number(count ?? 1)
let listener: ((point: string) => void) | undefined

/** The points of the engine; sinks add their own (`mid_file`). */
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
  'before_publish',
  'after_publish',
  'after_commit_action',
  'after_commit',
  'before_mark_done',
  'before_end',
  'after_end',
] as const

/** Passed only by pipelines with a side input. */
export const sideCrashPoints = ['side_remembered'] as const

/** The points of `pipe state rescale`. */
export const rescaleCrashPoints = ['rescale_filled', 'rescale_marked', 'rescale_renamed'] as const

/** Kills the process if this is the point the test asked for. */
export function crashPoint(point: string): void {
  listener?.(point)
  if (point !== name) return
  if (--left === 0) process.kill(process.pid, 'SIGKILL')
}

/** For tests: called at every point that is passed, and may throw to end the run there. Undefined: no listener. */
export function onCrashPoint(listen: ((point: string) => void) | undefined): void {
  listener = listen
}
