/** Runs of `pipe serve`, for people and programs. */
import type { Run } from '../serve/run.ts'
import { count, span, table } from './table.ts'

const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
const short = (ms: number | null): string => time(ms)?.slice(0, 19).replace('T', ' ') ?? ''

/** A run for programs. */
export const runRow = (run: Run) => ({
  id: run.id,
  pipeline: run.pipeline,
  cause: run.cause,
  state: run.state,
  attempts: run.attempts,
  due: time(run.dueMs),
  started: time(run.startedMs),
  ended: time(run.endedMs),
  next: time(run.nextMs),
  code: run.code,
  message: run.message,
  counts: run.counts,
})

/** One line a run; times in UTC. */
export const runTable = (runs: readonly Run[]): string =>
  table(
    ['run', 'pipeline', 'cause', 'due (UTC)', 'started', 'took', 'state', 'read', 'written', 'failed', ''].map(
      (title, at) => ({
        title,
        right: at === 0 || (at > 6 && at < 10),
      }),
    ),
    runs.map((run) => [
      String(run.id),
      run.pipeline,
      run.cause,
      short(run.dueMs),
      short(run.startedMs),
      run.endedMs === null || run.startedMs === null ? '' : span(run.endedMs - run.startedMs),
      run.state,
      ...(run.counts ? [run.counts.read, run.counts.written, run.counts.failed].map(count) : ['', '', '']),
      run.code ?? '',
    ]),
  )

/** All of one run. */
export function runText(run: Run): string {
  const lines = Object.entries(runRow(run)).flatMap(([key, value]) =>
    value === null ? [] : `${key.padEnd(9)} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
  )
  return `${lines.join('\n')}\n`
}
