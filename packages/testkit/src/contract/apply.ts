/** Drives a step as the engine does, for the transform suite: in this process or, with the same request, in a child. */
import {
  batch,
  endOfRun,
  type Env,
  type Now,
  type Output,
  Records,
  type RecordType,
  type ResultKey,
  type StepContext,
  type Row,
  type Transform,
  type TransformDefinition,
} from '@millrace/core'
import { canonical, deepFreeze } from './rows.ts'

/** How a step is made. Plain data, so that it can be sent to a child. */
export interface TransformMaking {
  readonly options: unknown
  readonly input: RecordType
  readonly sideInputs?: Readonly<Record<string, { readonly type: RecordType; readonly rows: readonly Row[] }>>
  /** Memory is kept separately for each split. */
  readonly partitionedBy?: readonly string[]
  /** Event time of the sources that reach it; see `StepContext.times`. */
  readonly times?: StepContext['times']
}

/** A record made from a record of the input. */
export interface Passed {
  readonly row: Row
  /** The index of its input row in the whole input. */
  readonly from: number
  /** As the engine creates it. */
  readonly id: string
}

/** The output, with input rows identified by their index in the whole input. */
export interface Outcome {
  readonly out: Passed[]
  readonly sideOutputs: Record<string, Passed[]>
  readonly failed: { readonly from: number; readonly code: string; readonly field: string | undefined }[]
  readonly results: { readonly row: Row; readonly key: string; readonly time: number | undefined }[]
  /** Contract violations of each apply; empty: none. */
  readonly wrong: string[]
  /** Input rows that changed during an apply. Those without bytes are frozen: changing them throws. */
  readonly changed: Row[]
}

/** Rows of one split; `at`: the index of the first in the whole input, or the indexes of all. */
export interface Part {
  readonly rows: readonly Row[]
  readonly at: number | readonly number[]
  readonly split?: string
}

export interface Driven {
  readonly transform: Transform
  readonly outcome: Outcome
  /** Hands over rows that were read together. */
  apply(...parts: readonly Part[]): void
  advance(now: Now): void
}

/** The step's context in the pipeline. */
export function contextOf({ input, sideInputs, partitionedBy, times }: TransformMaking, env: Env) {
  const types = Object.fromEntries(Object.entries(sideInputs ?? {}).map(([name, side]) => [name, side.type]))
  return { ...env, input, sideInputs: types, times, ...(partitionedBy ? { partitionedBy } : {}) }
}

/** A step that is prepared and has its side inputs. */
export async function drive(definition: TransformDefinition, making: TransformMaking, env: Env): Promise<Driven> {
  const transform = definition.create(making.options, contextOf(making, env))
  await transform.prepare?.({ signal: new AbortController().signal })
  for (const [name, { rows }] of Object.entries(making.sideInputs ?? {})) {
    for (let at = 0; at < rows.length || at === 0; at += 1000)
      transform.load?.(
        name,
        rows.slice(at, at + 1000).map((row) => deepFreeze(structuredClone(row))),
      )
  }
  const outcome: Outcome = { out: [], sideOutputs: {}, failed: [], results: [], wrong: [], changed: [] }
  const multiplies =
    typeof definition.multiplies === 'function' ? definition.multiplies(making.options) : definition.multiplies === true
  const failResult = (row: Row, at: ResultKey) => result(row, { key: at.key })
  const result = (row: Row, { key, time }: ResultKey) =>
    void outcome.results.push({ row, key: JSON.stringify(key), time })
  return {
    transform,
    outcome,
    apply: (...parts) => applyOne(transform, multiplies, parts, env, outcome, result, failResult),
    advance(now) {
      const nobody = () => outcome.wrong.push('advance has no input record to fail or pass on')
      while (transform.advance && !transform.advance(now, { fail: nobody, side: nobody, result, failResult }));
    },
  }
}

function applyOne(
  transform: Transform,
  multiplies: boolean,
  parts: readonly Part[],
  env: Env,
  outcome: Outcome,
  result: Output['result'],
  failResult: Output['failResult'],
): void {
  const { input, given, places } = recordsOf(parts, env)
  const { rows } = input
  const { wrong } = outcome
  const seen = new Map<number, string>()
  const use = (i: number, how: string) => {
    if (!Number.isInteger(i) || i < 0 || i >= rows.length) wrong.push(`${how} names row ${i} of ${rows.length}`)
    const before = seen.get(i)
    if (before && (!multiplies || before === 'failed' || how === 'failed'))
      wrong.push(`row ${i} is ${before} and also ${how}`)
    seen.set(i, how)
  }
  const sideOf = (name: string) => (outcome.sideOutputs[name] ??= [])
  const applied = transform.apply(
    input,
    {
      fail(i, code, more) {
        use(i, 'failed')
        outcome.failed.push({ from: places[i]!, code, field: more?.field })
      },
      side(name, row, i) {
        use(i, `output ${name}`)
        sideOf(name).push({ row, from: places[i]!, id: input.id(i) })
      },
      result,
      failResult,
    },
    'source',
  )
  for (const [i, row] of rows.entries()) if (canonical(row) !== canonical(given[i])) outcome.changed.push(given[i]!)
  const put = (list: Passed[], name: string, made: Records, origins: Int32Array | undefined) => {
    const out = made.rows
    if (origins ? origins.length !== out.length : out.length !== rows.length)
      wrong.push(
        `${name}: ${out.length} rows with ${origins ? `${origins.length} origins` : `no origins for ${rows.length} rows`}`,
      )
    let last = -1
    for (const [k, row] of out.entries()) {
      const i = origins ? origins[k]! : k
      if (i < last || (i === last && !multiplies))
        wrong.push(
          `${name}: origin ${i} comes after ${last}${i === last ? ', but the step does not declare that it multiplies' : ''}`,
        )
      use(i, name)
      last = i
      list.push({ row, from: places[i]!, id: i < rows.length ? made.id(k) : '' })
    }
  }
  const made = input.derive(applied.rows, applied.origins, multiplies ? env.id : undefined)
  put(outcome.out, 'output', made, applied.origins)
  for (const [name, side] of Object.entries(applied.sideOutputs ?? {}))
    put(sideOf(name), `output ${name}`, input.derive(side.rows, side.origins), side.origins)
  if ((applied.held ?? 0) < 0 || (applied.held ?? 0) + seen.size > rows.length)
    wrong.push(`it says that it holds ${applied.held} of ${rows.length} rows, but ${seen.size} went elsewhere`)
}

/** Copies of the rows as records, with the index of each in the whole input, which is also its position. */
function recordsOf(parts: readonly Part[], env: Env) {
  const places: number[] = []
  const from = parts.map(({ rows, at, split = 'rows' }) => {
    const own = rows.map((_, i) => (typeof at === 'number' ? at + i : at[i]!))
    places.push(...own)
    const copies = rows.map((row) => deepFreeze(structuredClone(row)))
    return { source: 'source', batch: batch({ split, rows: copies, positionAt: (i) => own[i]! }) }
  })
  const input = new Records({ rows: from.flatMap((each) => each.batch.rows), from, pipeline: env.pipeline })
  return { input, given: parts.flatMap(({ rows }) => rows), places }
}

/** All batches in order, then the end of a bounded run. */
export async function runTransform(
  definition: TransformDefinition,
  making: TransformMaking,
  env: Env,
  batches: readonly (readonly Row[])[],
): Promise<Outcome> {
  const driven = await drive(definition, making, env)
  let at = 0
  for (const rows of batches) {
    driven.apply({ rows, at })
    at += rows.length
  }
  driven.advance(endOfRun)
  return driven.outcome
}
