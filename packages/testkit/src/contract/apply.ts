/** Driving a step as the engine does, for the transform suite: in this process or, given the same request, in a child. */
import {
  batch,
  endOfRun,
  type Env,
  type Now,
  type Output,
  Records,
  type RecordType,
  type ResultKey,
  type Row,
  type SavedMemory,
  type Transform,
  type TransformDefinition,
} from '@millrace/core'
import { canonical, deepFreeze } from './rows.ts'

/** How a step is made. Plain data, so that it can be sent to a child. */
export interface TransformMaking {
  readonly options: unknown
  readonly input: RecordType
  readonly sides?: Readonly<Record<string, { readonly type: RecordType; readonly rows: readonly Row[] }>>
}

/** What came out, with input rows named by their place in the whole input. */
export interface Outcome {
  readonly out: { readonly row: Row; readonly from: number }[]
  readonly sides: Record<string, { readonly row: Row; readonly from: number }[]>
  readonly failed: { readonly from: number; readonly code: string; readonly field: string | undefined }[]
  readonly results: { readonly row: Row; readonly key: string; readonly time: number | undefined }[]
  /** What each apply said of itself, against the contract; empty: nothing wrong. */
  readonly wrong: string[]
  /** Input rows that were not the same after an apply. Those without bytes are frozen: to change them throws. */
  readonly changed: Row[]
}

export interface Driven {
  readonly transform: Transform
  readonly outcome: Outcome
  /** Applies rows that stand at `at` in the whole input. */
  apply(rows: readonly Row[], at: number): void
  advance(now: Now): void
}

/** Saved entries as a step is given them. */
export function savedMemory(entries: ReadonlyMap<string, string>): SavedMemory {
  return {
    get: (key) => entries.get(key),
    entries: () => [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, value, undefined]),
  }
}

/** A step that is prepared and has its side inputs. */
export async function drive(definition: TransformDefinition, making: TransformMaking, env: Env): Promise<Driven> {
  const sides = making.sides ?? {}
  const types = Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, side.type]))
  const transform = definition.create(making.options, { ...env, input: making.input, sides: types })
  await transform.prepare?.({ signal: new AbortController().signal })
  for (const [name, { rows }] of Object.entries(sides)) {
    for (let at = 0; at < rows.length || at === 0; at += 1000)
      transform.load?.(
        name,
        rows.slice(at, at + 1000).map((row) => deepFreeze(structuredClone(row))),
      )
  }
  const outcome: Outcome = { out: [], sides: {}, failed: [], results: [], wrong: [], changed: [] }
  const multiplies =
    typeof definition.multiplies === 'function' ? definition.multiplies(making.options) : definition.multiplies === true
  const failResult = (row: Row, at: ResultKey) => result(row, { key: at.key })
  const result = (row: Row, { key, time }: ResultKey) =>
    void outcome.results.push({ row, key: JSON.stringify(key), time })
  return {
    transform,
    outcome,
    apply: (rows, at) => applyOne(transform, multiplies, rows, at, env, outcome, result, failResult),
    advance(now) {
      const nobody = () => outcome.wrong.push('advance fails or hands on an input record, but it has none')
      while (transform.advance && !transform.advance(now, { fail: nobody, side: nobody, result, failResult }));
    },
  }
}

function applyOne(
  transform: Transform,
  multiplies: boolean,
  given: readonly Row[],
  at: number,
  env: Env,
  outcome: Outcome,
  result: Output['result'],
  failResult: Output['failResult'],
): void {
  const rows = given.map((row) => deepFreeze(structuredClone(row)))
  const input = new Records({
    rows,
    from: [{ source: 'source', batch: batch({ split: 'rows', rows, positionAt: (i) => at + i }) }],
    pipeline: env.pipeline,
  })
  const { wrong } = outcome
  const seen = new Map<number, string>()
  const use = (i: number, how: string) => {
    if (!Number.isInteger(i) || i < 0 || i >= rows.length) wrong.push(`${how} names row ${i} of ${rows.length}`)
    const before = seen.get(i)
    if (before && (!multiplies || before === 'failed' || how === 'failed'))
      wrong.push(`row ${i} is ${before} and also ${how}`)
    seen.set(i, how)
  }
  const sideOf = (name: string) => (outcome.sides[name] ??= [])
  const applied = transform.apply(
    input,
    {
      fail(i, code, more) {
        use(i, 'failed')
        outcome.failed.push({ from: at + i, code, field: more?.field })
      },
      side(name, row, i) {
        use(i, `output ${name}`)
        sideOf(name).push({ row, from: at + i })
      },
      result,
      failResult,
    },
    'source',
  )
  for (const [i, row] of rows.entries()) if (canonical(row) !== canonical(given[i])) outcome.changed.push(given[i]!)
  const put = (
    list: { row: Row; from: number }[],
    name: string,
    out: readonly Row[],
    origins: Int32Array | undefined,
  ) => {
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
      list.push({ row, from: at + i })
    }
  }
  put(outcome.out, 'output', applied.rows, applied.origins)
  for (const [name, side] of Object.entries(applied.sides ?? {}))
    put(sideOf(name), `output ${name}`, side.rows, side.origins)
  if ((applied.held ?? 0) < 0 || (applied.held ?? 0) + seen.size > rows.length)
    wrong.push(`it says that it holds ${applied.held} of ${rows.length} rows, but ${seen.size} went elsewhere`)
}

/** All batches in order, then the end of a whole run. */
export async function runTransform(
  definition: TransformDefinition,
  making: TransformMaking,
  env: Env,
  batches: readonly (readonly Row[])[],
): Promise<Outcome> {
  const driven = await drive(definition, making, env)
  let at = 0
  for (const rows of batches) {
    driven.apply(rows, at)
    at += rows.length
  }
  driven.advance(endOfRun)
  return driven.outcome
}
