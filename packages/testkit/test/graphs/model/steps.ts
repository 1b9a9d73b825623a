/** What each step does with its input. */
import { type CallName, isWindowStep, type SetValue, type Step, type Test } from '../case.ts'
import { type Arrival, type Row, textOf } from './records.ts'
import { total } from './totals.ts'
import { windowed } from './windows.ts'

/** Thrown when a record fails. */
export class Bad extends Error {}

export interface Made {
  /** By name of the output. */
  readonly outputs: Readonly<Record<string, readonly Arrival[]>>
  readonly failed: readonly Arrival[]
}

export interface Side {
  readonly k: string
  readonly name: string
}

const holds = (test: Test, row: Row): boolean => {
  const value = row[test.field] as number
  return 'mod' in test ? value % test.mod === test.is : value >= test.atLeast
}

function valueOf(value: SetValue, row: Row): unknown {
  const q = row['q'] as number
  if ('constant' in value) return value.constant
  if ('plus' in value) return q + value.plus
  if ('or' in value) return row['k'] ?? value.or
  if ('ratio' in value) {
    if (q === value.ratio) throw new Bad()
    return 100 / (q - value.ratio)
  }
  return wholeNumber(row)
}

function wholeNumber(row: Row): number {
  if (!/^\d+$/.test(row['c'] as string)) throw new Bad()
  return Number(row['c'])
}

function dateAs(to: string, text: string): string {
  const iso = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text)
  const dotted = /^(\d\d)\.(\d\d)\.(\d{4})$/.exec(text)
  if (!iso && !dotted) throw new Bad()
  const [year, month, day] = iso ? iso.slice(1) : dotted!.slice(1).reverse()
  return to === 'yyyy-MM-dd' ? `${year}-${month}-${day}` : `${day}.${month}.${year}`
}

function called(name: CallName, row: Row): Row[] {
  const boom = (row['t'] as string).includes('boom')
  switch (name) {
    case 'shout':
      return [{ ...row, t: (row['t'] as string).toUpperCase() }]
    case 'odd':
      return (row['q'] as number) % 2 === 1 ? [row] : []
    case 'fussy':
    case 'sloppy':
      if (boom) throw new Bad()
      return [row]
    case 'twice':
      return [1, 2].map((part) => ({ ...row, part }))
  }
}

/** The rows that a step makes of one row; for steps that look at each record by itself. */
function each(step: Step, row: Row, side: readonly Side[]): readonly Row[] {
  switch (step.verb) {
    case 'where':
      return holds(step.test, row) ? [row] : []
    case 'set':
      return [{ ...row, [step.field]: valueOf(step.value, row) }]
    case 'select':
      return [Object.fromEntries(step.fields.map(([to, from]) => [to, row[from]]))]
    case 'drop':
      return [Object.fromEntries(Object.entries(row).filter(([name]) => !step.fields.includes(name)))]
    case 'split':
      return [{ ...row, tags: (row['t'] as string).split('|') }]
    case 'explode':
      return (row['tags'] as string[]).map((tags, item) => ({ ...row, tags, item }))
    case 'join': {
      const found = side.find(({ k }) => k === row['k'])
      return found
        ? [{ ...row, [step.field]: found.name }]
        : step.how === 'left'
          ? [{ ...row, [step.field]: null }]
          : []
    }
    case 'call':
      return called(step.name, row)
    case 'parse_dates':
      return [{ ...row, d: dateAs(step.to, row['d'] as string) }]
    case 'cast':
      return [{ ...row, c: wholeNumber(row) }]
    default:
      throw new Error(`${step.verb} looks at more than one record`)
  }
}

/**
 * `memory`: records that a stateful step has seen before; `dedupe` does not pass them again. `watermark`: how far time
 * has come in the step.
 */
export function apply(
  step: Step,
  input: readonly Arrival[],
  side: readonly Side[],
  memory: readonly Arrival[] = [],
  watermark = Number.POSITIVE_INFINITY,
): Made {
  if (isWindowStep(step)) {
    const { results, late } = windowed(step, input, watermark)
    const { late: name } = step.window
    return { outputs: { [step.id]: results, ...(name === undefined ? {} : { [name]: late }) }, failed: [] }
  }
  if (step.verb === 'aggregate') return { outputs: { [step.id]: aggregated(step, [...memory, ...input]) }, failed: [] }
  if (step.verb === 'dedupe') return { outputs: { [step.id]: deduped(step, input, memory) }, failed: [] }
  if (step.verb === 'route') return routed(step, input)
  const made: Arrival[] = []
  const failed: Arrival[] = []
  const multiplies = step.verb === 'explode' || (step.verb === 'call' && step.name === 'twice')
  for (const arrival of input) {
    try {
      for (const [i, row] of each(step, arrival.row, side).entries())
        made.push({
          ...arrival,
          row,
          way: `${arrival.way}>${step.id}`,
          ...(multiplies ? { items: [...arrival.items, i] } : {}),
        })
    } catch (error) {
      if (!(error instanceof Bad)) throw error
      failed.push(arrival)
    }
  }
  return { outputs: { [step.id]: made }, failed }
}

function routed(step: Step & { verb: 'route' }, input: readonly Arrival[]): Made {
  const outputs: Record<string, Arrival[]> = {}
  for (const { name } of step.branches) outputs[name] = []
  if (step.rest !== undefined) outputs[step.rest] = []
  for (const arrival of input) {
    const name = step.branches.find(({ test }) => holds(test, arrival.row))?.name ?? step.rest
    if (name !== undefined) outputs[name]!.push({ ...arrival, way: `${arrival.way}>${step.id}.${name}` })
  }
  return { outputs, failed: [] }
}

function aggregated(step: Step & { verb: 'aggregate' }, input: readonly Arrival[]): Arrival[] {
  const groups = Map.groupBy(input, ({ row }) => textOf(step.by.map((name) => row[name])))
  return [...groups].map(([key, arrivals]) => ({
    row: {
      ...Object.fromEntries(step.by.map((name) => [name, arrivals[0]!.row[name] ?? null])),
      ...Object.fromEntries(
        Object.entries(step.outputs).map(([name, of]) => [
          name,
          total(
            of,
            arrivals.map(({ row }) => row),
          ),
        ]),
      ),
    },
    result: `${step.id} ${key}`,
    way: step.id,
    items: [],
  }))
}

/**
 * Within a split, the first record of a key passes. If a key occurs in several splits, or on several paths, the first
 * of any of them may be the one that passes.
 */
function deduped(step: Step & { verb: 'dedupe' }, input: readonly Arrival[], memory: readonly Arrival[]): Arrival[] {
  const valuesOf = ({ row }: Arrival) => step.by.map((name) => row[name] ?? null)
  const known = new Set(memory.map((arrival) => textOf(valuesOf(arrival))))
  const firsts = new Map<string, Map<string, Arrival>>()
  const passed: Arrival[] = []
  for (const arrival of input) {
    const values = valuesOf(arrival)
    const next = { ...arrival, way: `${arrival.way}>${step.id}` }
    if (step.nulls === 'pass' && values.includes(null)) {
      passed.push(next)
      continue
    }
    const key = textOf(values)
    if (known.has(key)) continue
    const lane = arrival.place
      ? `${arrival.place.source}/${arrival.place.split} ${arrival.way}`
      : `${arrival.result} ${arrival.way}`
    const lanes = firsts.get(key) ?? new Map<string, Arrival>()
    firsts.set(key, lanes)
    if (!lanes.has(lane)) lanes.set(lane, next)
  }
  for (const [key, lanes] of firsts) {
    if (lanes.size === 1) passed.push(...lanes.values())
    else
      for (const [option, arrival] of lanes)
        passed.push({ ...arrival, choice: { step: step.id, group: `${step.id} ${key}`, option } })
  }
  return passed
}
