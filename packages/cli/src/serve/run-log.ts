/** The log of each run, as JSON lines: `.serve/logs/PIPELINE/RUN.jsonl`. A long one keeps its last part only. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { serveFolder } from './ledger.ts'

/** A file that is longer becomes `RUN.old.jsonl`, and replaces the one before. */
const mostBytes = 8 * 1024 * 1024

const pathOf = (stateHome: string, pipeline: string, run: number, part = ''): string =>
  join(serveFolder(stateHome), 'logs', pipeline, `${run}${part}.jsonl`)

/** Appends lines, with their line ends. */
export function appendLog(stateHome: string, pipeline: string, run: number, lines: string): void {
  const path = pathOf(stateHome, pipeline, run)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  appendFileSync(path, lines, { mode: 0o600 })
  if (statSync(path).size > mostBytes) renameSync(path, pathOf(stateHome, pipeline, run, '.old'))
}

/** The lines of a run, oldest first. */
export const readLog = (stateHome: string, pipeline: string, run: number): string =>
  ['.old', '']
    .map((part) => pathOf(stateHome, pipeline, run, part))
    .map((path) => (existsSync(path) ? readFileSync(path, 'utf8') : ''))
    .join('')

/** Removes the logs of runs that are forgotten. */
export function removeLogs(stateHome: string, pipeline: string, runs: readonly number[]): void {
  for (const run of runs)
    for (const part of ['.old', '']) rmSync(pathOf(stateHome, pipeline, run, part), { force: true })
}
