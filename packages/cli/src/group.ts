/**
 * Groups for `--group` of `pipe query`: made by the step `aggregate` and sorted by the `<` of expressions, so that a
 * query counts and compares as a pipeline does.
 */
import { endOfRun, type Env, orderOf, type Plan, type Query, Records, type RecordType, type Row } from '@millrace/core'
import aggregateSteps from '@millrace/transforms'
import { usageError } from './command.ts'

/** Collects rows of one type, and returns the groups so far. */
export interface Grouping {
  readonly type: RecordType
  add(rows: readonly Row[]): void
  /** One row per group: the fields of `by`, then the outputs. */
  rows(): Row[]
}

/**
 * The flags as options of `aggregate`. `group`: fields separated by commas; `outputs`: `name=aggregate` separated by
 * commas.
 */
export function readGrouping(
  group: string | undefined,
  outputs: string | undefined,
): { readonly by: string[]; readonly outputs: Record<string, string> } {
  const by = (group ?? '').split(',').flatMap((field) => field.trim() || [])
  const named = Object.fromEntries(
    splitOutside(outputs ?? 'count=count()').map((part) => {
      const [, name, expression] = /^\s*([\p{L}_][\p{L}\p{N}_]*)\s*=(?!=)\s*(.+)$/su.exec(part) ?? []
      if (name === undefined)
        throw usageError(
          `--outputs takes NAME=AGGREGATE, not \`${part.trim()}\`.`,
          "For example: --outputs 'lines=count(),total=sum(Quantity * UnitPrice)'.",
        )
      return [name, expression!]
    }),
  )
  return { by, outputs: named }
}

/** Groups records of a type. Throws a `usage` error that names the problem with fields or aggregates. */
export function createGrouping(
  asked: ReturnType<typeof readGrouping>,
  input: RecordType,
  plan: Plan,
  env: Env,
): Grouping {
  const definition = aggregateSteps.find((step) => step.type === 'aggregate')!
  const options = { ...asked, max_groups: 1_000_000 }
  const ctx = { ...env, id: 'query', input, sideInputs: {} }
  const { output, problems } = definition.infer(options, ctx)
  const [problem] = problems
  if (problem || !output)
    throw usageError(
      `--${problem?.at[0] === 'by' ? 'group' : 'outputs'}: ${problem?.message ?? 'nothing is asked for'}`,
      problem?.hint,
    )
  const step = definition.create(options, ctx)
  const failed = (code: string, more?: { readonly message?: string }) => {
    throw usageError(`--outputs: ${more?.message ?? code}`)
  }
  const found: Row[] = []
  const out = {
    fail: (_i: number, code: string, more?: { readonly message?: string }) => failed(code, more),
    failResult: (_row: Row, _at: unknown, code: string, more?: { readonly message?: string }) => failed(code, more),
    side: () => {},
    result: (row: Row) => void found.push(row),
  }
  const required = Object.entries(input.fields).flatMap(([name, field]) => (field.optional ? [] : [name]))
  return {
    type: output,
    add(rows) {
      for (const row of rows) {
        const missing = required.find((name) => row[name] === null || row[name] === undefined)
        if (missing !== undefined)
          throw usageError(
            `A document lacks \`${missing}\`, which the spec declares as required: it cannot be grouped.`,
            'Exclude such documents with --where.',
          )
      }
      const results = rows.map((_, i) => ({ step: 'query', key: [i] }))
      step.apply(Records.ofResults(rows, results, plan.name), out, '')
    },
    rows() {
      while (!step.advance!(endOfRun, out));
      return found
    },
  }
}

/** Sorts rows of a type; null comes first. Throws a `usage` error for a field that does not exist or has no order. */
export function sortRows(rows: readonly Row[], sort: NonNullable<Query['sort']>, type: RecordType): Row[] {
  const comparisons = sort.map(({ field, descending }) => {
    const known = type.fields[field]
    if (!known)
      throw usageError(`--sort: there is no field \`${field}\`.`, `There are: ${Object.keys(type.fields).join(', ')}.`)
    const order = orderOf(known.type)
    if (!order) throw usageError(`--sort: values of \`${field}\` have no order.`)
    const sign = descending ? -1 : 1
    return (left: Row, right: Row): number => sign * order(left[field] ?? null, right[field] ?? null)
  })
  return rows.toSorted((left, right) => {
    for (const compare of comparisons) {
      const order = compare(left, right)
      if (order !== 0) return order
    }
    return 0
  })
}

/** Splits at commas outside brackets and quotes. */
function splitOutside(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let quote = ''
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quote) {
      if (c === '\\') i++
      else if (c === quote) quote = ''
    } else if (c === '"' || c === "'") quote = c
    else if ('([{'.includes(c)) depth++
    else if (')]}'.includes(c)) depth--
    else if (c === ',' && depth === 0) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  return [...parts, text.slice(start)]
}
