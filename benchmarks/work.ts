/** What is measured, by whom, and the limits we set for ourselves. */
import { join } from 'node:path'
import type { Inputs } from './input.ts'
import type { Program } from './measure.ts'

export const jobIds = ['csv-to-jsonl', 'csv-to-parquet', 'csv-to-hours', 'jsonl-to-jsonl', 'csv-to-sqlite'] as const
export type JobId = (typeof jobIds)[number]
export type Contestant = 'millrace' | 'naive' | 'duckdb' | 'loop'

/**
 * A ratio of CPU seconds. `ahead`: theirs / ours must be at least `factor`; `behind`: ours / theirs at most. No factor:
 * printed only.
 */
export interface Gate {
  readonly against: Contestant
  readonly is: 'ahead' | 'behind'
  readonly factor?: number
}

export interface Job {
  readonly id: JobId
  readonly title: string
  readonly input: 'csv' | 'jsonl'
  readonly output: 'jsonl' | 'parquet' | 'sqlite'
  /** Its rows are results, in any order. */
  readonly results?: boolean
  readonly gates: readonly Gate[]
  /** Our peak memory, MB. */
  readonly peakMb?: number
}

export const jobs: readonly Job[] = [
  {
    id: 'csv-to-jsonl',
    title: 'CSV -> typed, dated, projected -> JSON lines',
    input: 'csv',
    output: 'jsonl',
    gates: [
      { against: 'naive', is: 'ahead', factor: 6 },
      { against: 'duckdb', is: 'behind', factor: 1.2 },
    ],
    peakMb: 220,
  },
  {
    id: 'csv-to-parquet',
    title: 'CSV -> typed, dated, projected -> Parquet (zstd)',
    input: 'csv',
    output: 'parquet',
    gates: [
      { against: 'naive', is: 'ahead', factor: 2.5 },
      { against: 'duckdb', is: 'behind', factor: 1.5 },
    ],
    peakMb: 300,
  },
  {
    id: 'csv-to-hours',
    title: 'CSV -> hour x country (count, sum of a product, distinct customers) -> JSON lines',
    input: 'csv',
    output: 'jsonl',
    results: true,
    gates: [
      { against: 'naive', is: 'ahead', factor: 8 },
      { against: 'duckdb', is: 'behind', factor: 1.6 },
    ],
    peakMb: 220,
  },
  {
    id: 'jsonl-to-jsonl',
    title: 'JSON lines -> dated, projected -> JSON lines',
    input: 'jsonl',
    output: 'jsonl',
    gates: [
      { against: 'naive', is: 'ahead', factor: 3.2 },
      { against: 'duckdb', is: 'behind', factor: 1.5 },
    ],
  },
  {
    id: 'csv-to-sqlite',
    title: 'CSV -> SQLite documents by key',
    input: 'csv',
    output: 'sqlite',
    gates: [{ against: 'loop', is: 'behind', factor: 1.2 }],
    peakMb: 220,
  },
]

/** The folders of one benchmark run, all below the git-ignored `out/bench`. */
export interface Places {
  /** The contestants' programs as plain JavaScript. */
  readonly programs: string
  /** The project with our specs, and their state. */
  readonly project: string
  readonly outputs: string
  /** The built `pipe`. */
  readonly pipe: string
}

/** Where a contestant leaves its result: a file; a folder in our case. */
export const outputOf = (places: Places, job: Job, contestant: Contestant): string =>
  join(places.outputs, contestant === 'millrace' ? `${job.id}.millrace` : `${job.id}.${contestant}.${job.output}`)

/** How a contestant does the job on `input`. */
export function programOf(places: Places, job: Job, contestant: Contestant, input: string): Program {
  const output = outputOf(places, job, contestant)
  if (contestant === 'millrace') return pipe(places, ['run', job.id], { BENCH_INPUT: input, BENCH_OUTPUT: output })
  const program = { naive: `naive/${job.id}.js`, duckdb: 'duckdb/job.js', loop: 'sqlite-loop/loop.js' }[contestant]
  return {
    args: [join(places.programs, program), ...(contestant === 'duckdb' ? [job.id] : []), input, output],
    env: { TZ: 'UTC' },
  }
}

/** `pipe` with arguments, in the benchmark's project. */
export const pipe = (places: Places, args: readonly string[], env: Record<string, string>): Program => ({
  args: [places.pipe, ...args],
  cwd: places.project,
  env,
})

/** What a contestant reads; DuckDB gets the UTF-8 copy. */
export const inputOf = (inputs: Inputs, job: Job, contestant: Contestant): string =>
  job.input === 'jsonl' ? inputs.jsonl : contestant === 'duckdb' ? inputs.csvUtf8 : inputs.csv
