/** The command as a process of its own, ended with the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { onTestFinished } from 'vitest'

/** A running command. */
export interface Running {
  readonly child: ChildProcess
  /** What it has printed so far. */
  out(): string
  err(): string
  /** Its exit code. */
  readonly ended: Promise<number | null>
}

const main = ['--conditions=@millrace/source', '--no-warnings', resolve(import.meta.dirname, '../src/main.ts')]

/** Starts `pipe` with these arguments in `cwd`. */
export function startPipe(words: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, [...main, ...words], { cwd, env: { ...process.env, ...env } })
  let out = ''
  let err = ''
  child.stdout.on('data', (text) => (out += String(text)))
  child.stderr.on('data', (text) => (err += String(text)))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, out: () => out, err: () => err, ended }
}
