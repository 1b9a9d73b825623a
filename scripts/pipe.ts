/** Runs the `pipe` command from source, as a separate process, for scripts and tests. */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

/** The repository's folder. */
export const root = resolve(import.meta.dirname, '..')

/** What Node runs for `pipe` without a build. */
export const pipeFromSource = ['--conditions=@millrace/source', resolve(root, 'packages/cli/src/main.ts')] as const

/** The result of a finished command. */
export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/**
 * Runs `pipe` with these arguments. `show`: its output also goes to that of this process; `showErrors`: only its
 * standard error does. `stopAfterMs`: it is asked to stop then, and its summary says how far it got.
 */
export function pipe(
  words: readonly string[],
  options: {
    readonly cwd?: string
    readonly show?: boolean
    readonly showErrors?: boolean
    readonly env?: NodeJS.ProcessEnv
    readonly stopAfterMs?: number
  } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [...pipeFromSource, ...words], {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', options.show ? 'inherit' : 'pipe'],
  })
  const timer =
    options.stopAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGTERM'), options.stopAfterMs)
  let out = ''
  let err = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    out += text
    if (options.show) process.stdout.write(text)
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
    if (options.showErrors) process.stderr.write(text)
  })
  return new Promise((done, failed) => {
    child.on('error', failed)
    child.on('close', (code) => {
      clearTimeout(timer)
      done({ code: code ?? 1, out, err })
    })
  })
}
