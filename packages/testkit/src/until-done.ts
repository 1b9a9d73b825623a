/**
 * Runs a program to its end, killing it with SIGKILL on the way: at random times, or at a named point
 * (`MILLRACE_CRASH_AT=after_save:3`, see packages/core/src/crash.ts). Its final output must equal that of one
 * undisturbed run; the caller compares the two.
 */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** A program that continues where it was when it is started again. */
export interface Restartable {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/**
 * When a start is to be killed. `point`: it kills itself, the n-th time it passes the point, or after that time.
 * `when`: it is killed as soon as this is true, looked at every few milliseconds, or after that time.
 */
export type Death =
  | { readonly afterMs: number }
  | { readonly when: () => boolean; readonly afterMs: number }
  | { readonly point: string; readonly time: number; readonly afterMs?: number }
  | 'lives'

/** How a process ended. */
export interface Ended {
  /** Starts that ended by SIGKILL. */
  readonly kills: number
  readonly starts: number
  /** Standard output of the last start. */
  readonly output: string
  /** The outcome of the first start: whether it was killed. */
  readonly firstKilled: boolean
}

/** One start. Rejects with its output if it failed by itself. */
export async function startOnce(program: Restartable, death: Death): Promise<{ killed: boolean; output: string }> {
  const at: Record<string, string> =
    typeof death === 'object' && 'point' in death ? { MILLRACE_CRASH_AT: `${death.point}:${death.time}` } : {}
  const child = spawn(program.command, program.args, {
    cwd: program.cwd,
    env: { ...process.env, ...program.env, ...at },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const timer =
    typeof death === 'object' && death.afterMs !== undefined
      ? setTimeout(() => child.kill('SIGKILL'), death.afterMs)
      : undefined
  const watch =
    typeof death === 'object' && 'when' in death
      ? setInterval(() => {
          if (death.when()) child.kill('SIGKILL')
        }, 5)
      : undefined
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) =>
    child.on('error', reject).on('close', (code, signal) => resolve({ code, signal })),
  )
  const [output, errors, { code, signal }] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  clearTimeout(timer)
  clearInterval(watch)
  if (signal === 'SIGKILL') return { killed: true, output }
  if (code !== 0)
    throw new Error(`it ended with ${code ?? signal} after a restart instead of continuing:\n${output}${errors}`)
  return { killed: false, output }
}

/**
 * Starts until it ends by itself. `next` says how start n (from 0) is to be killed, `onKill` inspects what a kill left
 * behind, `isDone` whether the kill came after the end, when nothing was left to do; more than `mostStarts` means that
 * it makes no progress.
 */
export async function runUntilDone(
  program: Restartable,
  next: (start: number) => Death,
  {
    onKill,
    isDone,
    mostStarts = 200,
  }: { onKill?: () => void | Promise<void>; isDone?: () => boolean; mostStarts?: number } = {},
): Promise<Ended> {
  let kills = 0
  let firstKilled = false
  for (let start = 0; start < mostStarts; start++) {
    const { killed, output } = await startOnce(program, next(start))
    if (!killed) return { kills, starts: start + 1, output, firstKilled }
    if (start === 0) firstKilled = true
    kills++
    await onKill?.()
    if (isDone?.()) return { kills, starts: start + 1, output, firstKilled }
  }
  throw new Error(`not done after ${mostStarts} starts: a start must save something before it is killed`)
}
