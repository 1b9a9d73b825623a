/** Runs one step over rows as the engine would: infers, creates, applies, and unpacks the result. */
import {
  type Applied,
  endOfRun,
  type Inference,
  type Option,
  type Output,
  parseRecordType,
  type Problem,
  Records,
  recordText,
  type RecordType,
  type Row,
  type Static,
  type StepContext,
  type Transform,
  type TransformDefinition,
} from '@millrace/core'

/** `{ Quantity: 'integer', CustomerID: 'integer?' }` as a record type. */
export function recordType(fields: Readonly<Record<string, unknown>>, open = false): RecordType {
  const { type, problems } = parseRecordType({ fields })
  if (problems.length) throw new Error(problems.map(({ message }) => message).join('; '))
  return open ? { ...type, open } : type
}

/** The context of a step in tests. */
export const stepContext = (input: RecordType, more: Partial<StepContext> = {}): StepContext => ({
  root: '/project',
  home: '/project/.millrace/local',
  profile: 'local',
  pipeline: 'test',
  id: 'step',
  resolve: (path) => `/project/${path}`,
  input,
  sideInputs: {},
  ...more,
})

export interface Failed {
  readonly i: number
  readonly code: string
  readonly field?: string
  readonly message?: string
}

export interface Ran {
  readonly rows: readonly Row[]
  /** For each row the index of the input row it came from. */
  readonly origins: readonly number[]
  readonly failed: readonly Failed[]
  readonly sideOutputs: Readonly<Record<string, { readonly rows: readonly Row[]; readonly origins: readonly number[] }>>
  readonly applied: Applied
}

/** Where rows come from, if that matters. `at`: the position of the first, or those of all. */
export interface From {
  readonly source?: string
  readonly split?: string
  readonly at?: number | readonly (number | string)[]
  readonly times?: readonly number[]
  readonly ids?: readonly string[]
}

/** Rows as records of one batch. */
export function recordsOf(
  rows: readonly Row[],
  { source = 'in', split = 's', at = 0, times, ids }: From = {},
): Records {
  const batch = {
    split,
    rows,
    bytes: rows.length,
    positionAt: (i: number) => (typeof at === 'number' ? at + i : at[i]!),
    ...(times ? { times: Float64Array.from(times) } : {}),
    ...(ids ? { idAt: (i: number) => ids[i] } : {}),
  }
  return new Records({ rows, from: [{ source, batch }], pipeline: 'test' })
}

/** Applies a step to rows, frozen as the contract says. */
export const apply = (transform: Transform, rows: readonly Row[], from: From = {}): Ran =>
  applyTo(
    transform,
    recordsOf(
      rows.map((row) => Object.freeze(row)),
      from,
    ),
  )

export function applyTo(transform: Transform, input: Records): Ran {
  const failed: Failed[] = []
  const named: Record<string, { rows: Row[]; origins: number[] }> = {}
  const applied = transform.apply(
    input,
    {
      fail: (i, code, more) => void failed.push({ i, code, ...more }),
      side(name, row, i) {
        const side = (named[name] ??= { rows: [], origins: [] })
        side.rows.push(row)
        side.origins.push(i)
      },
      result: () => {
        throw new Error('no results expected')
      },
      failResult: () => {
        throw new Error('no results expected')
      },
    },
    'in',
  )
  for (const [name, side] of Object.entries(applied.sideOutputs ?? {}))
    named[name] = { rows: [...side.rows], origins: [...side.origins] }
  const origins = applied.origins ? [...applied.origins] : applied.rows.map((_, i) => i)
  if (origins.length !== applied.rows.length)
    throw new Error(`${applied.rows.length} rows with ${origins.length} origins`)
  if (origins.some((origin, k) => k > 0 && origin < origins[k - 1]!)) throw new Error('origins do not ascend')
  return { rows: applied.rows, origins, failed, sideOutputs: named, applied }
}

export interface Finished {
  /** By their keys as JSON. */
  readonly results: Readonly<Record<string, Row>>
  /** `["group"] code`. */
  readonly failed: readonly string[]
}

/** The results at the end of a run. */
export function finish(transform: Transform): Finished {
  const results: Record<string, Row> = {}
  const failed: string[] = []
  const nobody = () => {
    throw new Error('a result has no input record')
  }
  const out: Output = {
    fail: nobody,
    side: nobody,
    result(row, { key }) {
      const text = JSON.stringify(key)
      if (Object.hasOwn(results, text)) throw new Error(`two results have the key ${text}`)
      results[text] = row
    },
    failResult: (_, { key }, code) => void failed.push(`${JSON.stringify(key)} ${code}`),
  }
  while (!transform.advance!(endOfRun, out));
  return { results, failed }
}

export interface Stepped extends Ran {
  /** The type of the output on one line. */
  readonly type: string
  readonly inference: Inference
  readonly transform: Transform
}

/** Infers, requires that there are no problems, and applies the step. The config is as a user would type it. */
export function run<S extends Option>(
  definition: TransformDefinition<S>,
  typed: unknown,
  input: RecordType,
  rows: readonly Row[],
  more: Partial<StepContext> = {},
): Stepped {
  const context = stepContext(input, more)
  const config = typed as Static<S>
  const inference = definition.infer(config, context)
  if (inference.problems.length) throw new Error(JSON.stringify(inference.problems))
  const transform = definition.create(config, context)
  return { ...apply(transform, rows), inference, transform, type: inference.output ? recordText(inference.output) : '' }
}

/** The problems of a config, each as `code at.path: message`. */
export function problems<S extends Option>(
  definition: TransformDefinition<S>,
  typed: unknown,
  input: RecordType,
  more: Partial<StepContext> = {},
): string[] {
  const context = stepContext(input, more)
  const config = typed as Static<S>
  const found: Problem[] = [
    ...(definition.check?.(config, context) ?? []),
    ...definition.infer(config, context).problems,
  ]
  return found.map(({ code, at, key, message }) => `${code} ${at.join('.')}${key ? ' (key)' : ''}: ${message}`)
}
