/** The command in this process, with what it printed. It runs in a separate folder, removed after the test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { main } from '../src/main.ts'

/** The result of a command. */
export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A fresh folder, removed after the test. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs `pipe` with these arguments in `cwd`. */
export async function pipe(
  words: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  let out = ''
  let err = ''
  const stop = new AbortController()
  const code = await main(words, {
    cwd,
    env,
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    terminal: false,
    columns: 100,
    stopSignal: () => stop.signal,
  })
  return { code, out, err }
}
