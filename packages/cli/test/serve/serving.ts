/** `pipe serve` as a process, ended with the test. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

const main = ['--conditions=@millrace/source', '--no-warnings', resolve(import.meta.dirname, '../../src/main.ts')]

/** A line of the log. */
export interface Line {
  readonly time: string
  readonly level: string
  readonly pipeline: string
  readonly code: string
  readonly [more: string]: unknown
}

/** Serves a project in a process of its own: its processes, and its log. */
export const serve = (folder: string, env: NodeJS.ProcessEnv = process.env, ...more: string[]) =>
  start(folder, env, 'serve', '--port', 'off', ...more)

/** Starts a command that logs as `pipe serve` does. */
export function start(folder: string, env: NodeJS.ProcessEnv, ...words: string[]) {
  const child: ChildProcess = spawn(process.execPath, [...main, ...words], { cwd: folder, env })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  let errors = ''
  child.stdout!.on('data', (text) => (printed += String(text)))
  child.stderr!.on('data', (text) => (errors += String(text)))
  const lines = () => printed.split('\n').flatMap((line) => (line ? (JSON.parse(line) as Line) : []))
  const seen = async (pipeline: string, code: string, n = 1): Promise<void> => {
    for (let i = 0; i < 3000; i++) {
      if (lines().filter((line) => line.pipeline === pipeline && line.code === code).length >= n) return
      await sleep(20)
    }
    throw new Error(`no ${code} of ${pipeline}:\n${printed}${errors}`)
  }
  const children = () =>
    execFileSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, lines, seen, children, ended }
}
